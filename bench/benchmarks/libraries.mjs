// Run a command, get its output: what most programs want, and what libraries are for.

import { brood, bun, deno, library, node, nodes } from '../competitors.mjs'

export default {
  name: 'libraries',
  title: 'Run a command, get its output',
  about:
    '`/bin/echo` with one line, gathered as text, with a pipe for stdout and one for stderr. `execFile` and the libraries ' +
    'make a pipe for stdin too; brood, Bun and Deno give it `/dev/null` unless there is something to write, so brood is ' +
    'there with that pipe as well. node-pty has a terminal in place of the pipes.',
  chart: { key: 'rate', unit: 'rate', title: 'Run a command, get its output', better: 'longer' },
  scenarios: (isQuick) =>
    (isQuick ? [16] : [1, 16]).map((concurrency) => ({
      title: isQuick
        ? `500 small outputs, ${concurrency} at once`
        : concurrency === 1
          ? '1,000 small outputs, one after the other'
          : '10,000 small outputs, 16 at once',
      subject: 'small',
      parameters: { count: isQuick ? 500 : concurrency === 1 ? 1000 : 10_000, concurrency },
      competitors: [
        ...(isQuick ? [] : [brood(20)]),
        brood(26),
        brood(26, ' with a pipe for stdin', { stdin: 'pipe' }),
        ...(isQuick ? [26] : nodes(false)).map((major) => ({ ...node(major), name: `execFile, Node ${major}` })),
        bun,
        deno,
        library('execa'),
        library('nano-spawn'),
        library('tinyexec'),
        library('node-pty'),
      ],
      rounds: isQuick ? 1 : 3,
      metrics: [
        { key: 'rate', label: 'runs', unit: 'rate' },
        { key: 'time50', label: 'one run p50', unit: 'us' },
        { key: 'threadCpu', label: 'JS thread each', unit: 'us' },
        { key: 'peak', label: 'peak resident', unit: 'bytes', plain: true },
      ],
    })),
}
