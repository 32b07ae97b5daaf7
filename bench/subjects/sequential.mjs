// One child after the other: how long the call stops this thread, and how long it takes to the exit callback.
//
// `stdio`: 'ignore' is /dev/null three times; 'pipe' is three pipes that are not looked at; 'read' is three pipes whose
// streams are all asked for, as part of what is timed.

import { threadCpu } from './cpu.mjs'
import { status } from './memory.mjs'
import { percentile } from './statistics.mjs'

export const measure = async (api, { stdio, count = 300, least = 60, warmup = 20, milliseconds = 1000 }) => {
  const stdioOfChild = stdio === 'ignore' ? 'ignore' : 'pipe'
  const stops = []
  const ends = []
  const once = () =>
    new Promise((resolve) => {
      const before = performance.now()
      const child = api.start('/bin/true', [], stdioOfChild)
      const streams = stdio === 'read' ? api.streams(child) : undefined
      const stopped = performance.now()
      api.onExit(child, () => {
        ends.push(1e3 * (performance.now() - before))
        stops.push(1e3 * (stopped - before))
        if (stdioOfChild === 'pipe') api.tidy(child)
        resolve(streams)
      })
    })
  for (let index = 0; index < warmup; index++) await once()
  stops.length = 0
  ends.length = 0
  const cpu = threadCpu()
  const began = performance.now()
  while (stops.length < least || (stops.length < count && performance.now() - began < milliseconds)) await once()
  return {
    stop50: percentile(stops, 0.5),
    stop99: percentile(stops, 0.99),
    exit50: percentile(ends, 0.5),
    exit99: percentile(ends, 0.99),
    threadCpu: (threadCpu() - cpu) / stops.length,
    samples: stops.length,
    resident: status('VmRSS'),
  }
}
