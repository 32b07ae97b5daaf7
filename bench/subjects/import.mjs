// How long the first import of a module takes. Nothing of it is loaded, but the operating system has read the files.

import { status } from './memory.mjs'

export const measure = async (_api, { module }) => {
  const resident = status('VmRSS')
  const before = performance.now()
  await import(module)
  return { milliseconds: performance.now() - before, resident: status('VmRSS') - resident }
}
