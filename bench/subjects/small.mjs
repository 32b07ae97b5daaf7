// Many small outputs: run `echo`, have its text.

import { threadCpu } from './cpu.mjs'
import { resetPeak, status } from './memory.mjs'
import { percentile } from './statistics.mjs'

const TEXT = 'a small output of one line'

export const measure = async (api, { count, concurrency, stdin }) => {
  const options = stdin === undefined ? {} : { stdin }
  const run = async (total) => {
    const times = []
    let started = 0
    const lane = async () => {
      while (started++ < total) {
        const before = performance.now()
        const text = await api.output('/bin/echo', [TEXT], options)
        times.push(1e3 * (performance.now() - before))
        if (text !== `${TEXT}\n`) throw new Error(`not what echo wrote: ${JSON.stringify(text)}`)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, lane))
    return times
  }
  await run(Math.max(20, 2 * concurrency))
  resetPeak()
  const cpu = threadCpu()
  const before = performance.now()
  const times = await run(count)
  const seconds = (performance.now() - before) / 1e3
  return {
    rate: count / seconds,
    time50: percentile(times, 0.5),
    time99: percentile(times, 0.99),
    threadCpu: (threadCpu() - cpu) / count,
    peak: status('VmHWM'),
  }
}
