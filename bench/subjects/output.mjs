// One large output: as bytes, as text, or piece by piece.

import { processCpu, threadCpu } from './cpu.mjs'
import { collect, resetPeak, status } from './memory.mjs'

const args = (count) => ['write', `bytes=${count}`]

export const measure = async (api, { bytes, mode, writer }) => {
  const once = async (count) => {
    if (mode === 'stream') {
      let length = 0
      await api.stream(writer, args(count), (chunk) => {
        length += chunk.length
      })
      return length
    }
    return (await api.output(writer, args(count), { encoding: mode === 'bytes' ? 'buffer' : 'utf8' })).length
  }
  for (let index = 0; index < 3; index++) await once(1 << 20)
  await collect()
  resetPeak()
  const resident = status('VmRSS')
  const cpu = [threadCpu(), processCpu()]
  const before = performance.now()
  const length = await once(bytes)
  const seconds = (performance.now() - before) / 1e3
  if (length !== bytes) throw new Error(`${length} bytes of ${bytes}`)
  return {
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    peak: (status('VmHWM') - resident) / bytes,
    threadCpu: (threadCpu() - cpu[0]) / 1e3,
    processCpu: (processCpu() - cpu[1]) / 1e3,
  }
}
