// So many children at once, over and over: a new one is started in the exit callback of the one before.

import { processCpu, threadCpu } from './cpu.mjs'
import { status } from './memory.mjs'

export const measure = async (api, { stdio = 'ignore', concurrency, milliseconds = 1000 }) => {
  const stdioOfChild = stdio === 'ignore' ? 'ignore' : 'pipe'
  const run = async (time) => {
    let done = 0
    const began = performance.now()
    const lane = () =>
      new Promise((resolve) => {
        const next = () => {
          if (performance.now() - began >= time) return resolve()
          const child = api.start('/bin/true', [], stdioOfChild)
          if (stdio === 'read') api.streams(child)
          api.onExit(child, () => {
            done++
            if (stdioOfChild === 'pipe') api.tidy(child)
            next()
          })
        }
        next()
      })
    await Promise.all(Array.from({ length: concurrency }, lane))
    return { rate: done / ((performance.now() - began) / 1e3), done }
  }
  await run(milliseconds / 5)
  const cpu = [threadCpu(), processCpu()]
  const { rate, done } = await run(milliseconds)
  return {
    rate,
    threadCpu: (threadCpu() - cpu[0]) / done,
    processCpu: (processCpu() - cpu[1]) / done,
    resident: status('VmRSS'),
  }
}
