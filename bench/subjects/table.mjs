// Reads the table of processes under one, while many are there.

import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { percentile } from './statistics.mjs'

/** A shell with so many children, which wait for the end of its stdin: for our end. */
const startCrowd = async (size) => {
  const script = `i=0; while [ $i -lt ${size} ]; do (read x <&3) & i=$((i+1)); done; echo; read x <&3`
  const crowd = spawn('/bin/sh', ['-c', `exec 3<&0; ${script}`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [text] = await Promise.race([once(crowd.stdout, 'data'), once(crowd, 'exit')])
  if (String(text) !== '\n') throw new Error('there is no room for that many processes')
  return crowd.pid
}

export const measure = async (api, { crowd, root, count }) => {
  const shell = await startCrowd(crowd)
  const alone = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' })
  const pid = { alone: alone.pid, crowd: shell, everybody: 1 }[root]
  const least = root === 'alone' ? 1 : crowd
  const times = []
  for (let index = 0; index < count; index++) {
    // What is asked for is a picture of now: the turns of the event loop in between are nobody's.
    await new Promise((resolve) => void setImmediate(resolve))
    const before = performance.now()
    const size = await api.table(pid)
    times.push(performance.now() - before)
    if (size < least) throw new Error(`${size} processes, and there are ${least}`)
  }
  return { first: times[0], time50: percentile(times, 0.5) }
}
