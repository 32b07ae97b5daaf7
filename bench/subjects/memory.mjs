// Memory of this process, from the kernel: the same for every engine.

import { readFileSync, writeFileSync } from 'node:fs'

const PIECE = 64 * 1024 * 1024

/** Takes so many bytes of memory and touches all of them. */
export const hold = (bytes) => {
  const held = []
  for (let left = bytes; left > 0; left -= PIECE) held.push(new Uint8Array(Math.min(left, PIECE)).fill(1))
  return held
}

/** A line such as `VmRSS` of `/proc/self/status`, in bytes. */
export const status = (field) =>
  1024 * Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0)

/** From now on `VmHWM` is the peak since now. */
export const resetPeak = () => writeFileSync('/proc/self/clear_refs', '5')

/** Collects all that can be collected, twice: what is finalized by the first is freed by the second. */
export const collect = async () => {
  for (let round = 0; round < 2; round++) {
    if (globalThis.Bun === undefined) globalThis.gc?.()
    else globalThis.Bun.gc(true)
    await new Promise((resolve) => void setTimeout(resolve, 50))
  }
}
