// Captured output: one large one.

import { brood, bun, deno, everybody, node } from '../competitors.mjs'
import { nativeProgram } from '../harness/peers.mjs'

const MEGABYTE = 2 ** 20

const reader = { name: 'native: one read loop', engine: 'native', api: 'read' }
/** With what Node.js has in the place of a pipe. */
const socketReader = { name: 'native: one read loop, socket pair', engine: 'native', api: 'read-socket' }

const modes = { bytes: 'as bytes', text: 'as text', stream: 'streamed, nothing kept' }

export default {
  name: 'output',
  title: 'One large output',
  about:
    'A native program writes ASCII text as fast as the pipe takes it. `run()`, `execFile` and their like gather all of it; ' +
    '“streamed” hands each piece to a listener. The peak is that of the resident memory over what was resident before, in ' +
    'times of the output. As text it is 256 MB, since Node has no string of 512 MB.',
  chart: { key: 'megabytesPerSecond', unit: 'speed', title: 'One large output', better: 'longer' },
  scenarios: (isQuick) =>
    Object.entries(modes).map(([mode, title]) => {
      const size = isQuick ? 64 : mode === 'text' ? 256 : 512
      return {
        title: `${size} MB ${title}`,
        subject: 'output',
        parameters: { bytes: size * MEGABYTE, mode },
        // Where things lie on this machine is of no interest in a report.
        paths: { writer: nativeProgram },
        competitors: [
          ...(isQuick ? everybody(true) : [brood(20), brood(26), node(20), node(26), bun, deno]),
          ...(mode === 'text' ? [] : [reader]),
          ...(mode === 'stream' ? [socketReader] : []),
        ],
        rounds: isQuick ? 1 : 3,
        metrics: [
          { key: 'megabytesPerSecond', label: 'speed', unit: 'speed' },
          { key: 'peak', label: 'peak memory', unit: 'times', plain: true },
          { key: 'threadCpu', label: 'JS thread', unit: 'ms' },
        ],
      }
    }),
}
