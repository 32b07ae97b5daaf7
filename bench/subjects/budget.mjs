// Where the time of one child goes on the JavaScript thread: the whole call, and what of it is native.

import { createRequire } from 'node:module'

import { threadCpu } from './cpu.mjs'
import { percentile } from './statistics.mjs'

// The very module that brood has loaded: what is changed in it here is changed there.
const binding = createRequire(import.meta.url)('#root/brood.linux-x64-gnu.node')

const NATIVE = ['spawn', 'capture', 'claim', 'take', 'takeText']

/** Makes each native function note how long it took, in microseconds. */
const watch = () => {
  const times = Object.fromEntries(NATIVE.map((name) => [name, []]))
  for (const name of NATIVE) {
    const native = binding[name]
    binding[name] = (...values) => {
      const before = performance.now()
      const result = native(...values)
      times[name].push(1e3 * (performance.now() - before))
      return result
    }
  }
  return times
}

export const measure = async (api, { how, count = 1000, warmup = 300 }) => {
  const times = watch()
  const calls = []
  const once = async () => {
    const before = performance.now()
    if (how === 'run') {
      const output = api.output('/bin/echo', ['text'])
      calls.push(1e3 * (performance.now() - before))
      return output
    }
    const child = api.start('/bin/true', [], how === 'ignore' ? 'ignore' : 'pipe')
    if (how === 'read') api.streams(child)
    calls.push(1e3 * (performance.now() - before))
    return new Promise((resolve) => void api.onExit(child, resolve))
  }
  for (let index = 0; index < warmup; index++) await once()
  for (const samples of [calls, ...Object.values(times)]) samples.length = 0
  const cpu = threadCpu()
  for (let index = 0; index < count; index++) await once()
  const threadTime = (threadCpu() - cpu) / count
  /** Per child: the median, as often as it is called. */
  const each = (name) => (times[name].length === 0 ? 0 : (percentile(times[name], 0.5) * times[name].length) / count)
  const spawn = each('spawn')
  const capture = each('capture')
  const claim = each('claim')
  const call = percentile(calls, 0.5)
  return {
    call,
    spawn,
    capture: capture + claim,
    take: each('take') + each('takeText'),
    script: call - spawn - capture - claim,
    threadTime,
  }
}
