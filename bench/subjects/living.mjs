// What an exit costs while so many other children live, and what it takes to kill all of them and see their ends.

import { processCpu } from './cpu.mjs'
import { percentile } from './statistics.mjs'

const exitOf = (api, child) => new Promise((resolve) => void api.onExit(child, resolve))

export const measure = async (api, { living, kills = 200 }) => {
  const children = []
  for (let index = 0; index < living + kills; index++) {
    children.push(api.start('/bin/sleep', ['1000'], 'ignore'))
    // Engines that finish a spawn in the event loop have their turn.
    if (index % 50 === 49) await new Promise((resolve) => void setTimeout(resolve, 0))
  }
  // All of them have to be there, asleep, before anything is measured.
  await new Promise((resolve) => void setTimeout(resolve, 200 + living / 10))
  const waits = []
  const cpu = processCpu()
  for (const child of children.splice(0, kills)) {
    const before = performance.now()
    const exit = exitOf(api, child)
    api.kill(child)
    await exit
    waits.push(1e3 * (performance.now() - before))
  }
  const exitCpu = (processCpu() - cpu) / kills
  const figures = { exitCpu, exit50: percentile(waits, 0.5) }
  if (living === 0) return figures
  const cpuBefore = processCpu()
  const before = performance.now()
  const exits = children.map((child) => exitOf(api, child))
  for (const child of children) api.kill(child)
  await Promise.all(exits)
  return { ...figures, killAll: performance.now() - before, killAllCpu: (processCpu() - cpuBefore) / living }
}
