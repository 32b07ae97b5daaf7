// What a living child costs in memory: JavaScript and native together, as the kernel counts it.

import { readdirSync } from 'node:fs'

import { collect, status } from './memory.mjs'

export const measure = async (api, { children: count, stdio }) => {
  const stdioOfChild = stdio === 'ignore' ? 'ignore' : 'pipe'
  const start = () => {
    const child = api.start('/bin/sleep', ['1000'], stdioOfChild)
    if (stdio === 'read') api.streams(child)
    // Somebody waits for each, as somebody does.
    api.onExit(child, () => {})
    return child
  }
  // What is there once, however many children: pools, threads, code that was optimised on the way.
  const first = Array.from({ length: 500 }, start)
  await collect()
  const before = { memory: status('RssAnon'), descriptors: readdirSync('/proc/self/fd').length }
  const children = []
  for (let index = 0; index < count; index++) {
    children.push(start())
    if (index % 50 === 49) await new Promise((resolve) => void setTimeout(resolve, 0))
  }
  await collect()
  const figures = {
    bytesPerChild: (status('RssAnon') - before.memory) / count,
    descriptorsPerChild: (readdirSync('/proc/self/fd').length - before.descriptors) / count,
  }
  for (const child of [...first, ...children]) api.kill(child)
  return figures
}
