// Killing a whole family.

import { brood } from '../competitors.mjs'

export default {
  name: 'tree',
  title: 'Killing a tree of processes',
  about:
    'A shell that starts shells that start sleepers; from the call until none of them is alive. The polling for that costs ' +
    'the same everywhere, and is what the figures cannot go below.',
  chart: { key: 'time50', unit: 'ms', title: 'Killing a tree of processes', better: 'shorter' },
  scenarios: (isQuick) =>
    [[2, 4, 21], ...(isQuick ? [] : [[2, 14, 211]])].map(([depth, width, size]) => ({
      title: `${size} processes`,
      subject: 'tree',
      parameters: { depth, width, count: isQuick ? 3 : 10 },
      competitors: [brood(26), { name: 'tree-kill', engine: 'node-26', api: 'tree-kill' }],
      rounds: isQuick ? 1 : 3,
      metrics: [{ key: 'time50', label: 'until all are gone, p50', unit: 'ms' }],
    })),
}
