// Memory per living child.

import { brood, bun, deno, everybody, node } from '../competitors.mjs'

export default {
  name: 'memory',
  title: 'Memory per living child',
  about:
    'Anonymous resident memory of the program, JavaScript and native together, before and after starting so many `sleep` ' +
    'that somebody waits for; everything that can be collected was.',
  chart: { key: 'bytesPerChild', unit: 'bytes', title: 'Memory per living child', better: 'shorter' },
  scenarios: (isQuick) =>
    (isQuick ? ['ignore', 'pipe'] : ['ignore', 'pipe', 'read']).map((stdio) => ({
      title: `${{ ignore: 'ignored', pipe: 'piped, streams not looked at', read: 'piped, all three streams made' }[stdio]}`,
      subject: 'children-memory',
      parameters: { stdio, children: isQuick ? 300 : 2000 },
      competitors: isQuick ? everybody(true) : [brood(20), brood(26), node(20), node(26), bun, deno],
      rounds: isQuick ? 1 : 3,
      metrics: [
        { key: 'bytesPerChild', label: 'memory', unit: 'bytes' },
        { key: 'descriptorsPerChild', label: 'descriptors', unit: 'count', plain: true },
      ],
    })),
}
