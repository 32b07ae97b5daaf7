// Kills a family of processes: shells that start shells, and sleepers at their ends.

import { readdirSync, readFileSync } from 'node:fs'

import { percentile } from './statistics.mjs'

/** A shell that starts `width` shells, so many levels deep; the last level sleeps. */
const script = (depth, width) => {
  if (depth === 0) return 'exec sleep 1000'
  const inner = script(depth - 1, width).replaceAll("'", String.raw`'\''`)
  return `${`sh -c '${inner}' & `.repeat(width)}wait`
}

const size = (depth, width) => (depth === 0 ? 1 : 1 + width * size(depth - 1, width))

/** The state and command of every process of our process group, but for ourselves. */
const group = () =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      const [, command, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))
      const [state, , processGroup] = rest.split(' ')
      return Number(processGroup) === process.pid && state !== 'Z' ? [command] : []
    } catch {
      return []
    }
  })

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => void setTimeout(resolve, 1))
}

export const measure = async (api, { depth, width, count }) => {
  const whole = size(depth, width)
  const sleepers = width ** depth
  const times = []
  for (let index = 0; index < count; index++) {
    const child = api.start('/bin/sh', ['-c', script(depth, width)], 'ignore')
    await until(() => {
      const commands = group()
      return commands.length === whole && commands.filter((command) => command === 'sleep').length === sleepers
    })
    const before = performance.now()
    const killing = api.killTree(child)
    if (killing === null) throw new Error('this build has no killTree')
    await killing
    await until(() => group().length === 0)
    times.push(performance.now() - before)
  }
  return { time50: percentile(times, 0.5) }
}
