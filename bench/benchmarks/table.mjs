// The table of processes under one.

import { brood } from '../competitors.mjs'

const ROOTS = { alone: 'one process among', crowd: 'a family of', everybody: 'everybody, with' }

export default {
  name: 'table',
  title: 'Reading the process table',
  about:
    'From the call to the answer: a process with its descendants and their command lines. `ps` and what is built on it always ' +
    'read everybody; pidtree is told the pids alone. “native” is `open`, `read` and `close` of `stat` and `cmdline` for ' +
    'everybody, by as many threads as there are processors, and nothing done with what was read: the floor for the last two.',
  chart: { key: 'time50', unit: 'ms', title: 'Reading the process table, p50', better: 'shorter' },
  scenarios: (isQuick) => {
    const large = isQuick ? 1000 : 10_000
    const small = isQuick ? 100 : 1000
    return [
      ['alone', large],
      ['crowd', small],
      ['crowd', large],
      ['everybody', large],
    ].map(([root, crowd]) => ({
      title: `${ROOTS[root]} ${crowd.toLocaleString('en-US')}`,
      subject: 'table',
      parameters: { root, crowd, count: isQuick ? 3 : 9 },
      competitors: [
        ...(isQuick ? [brood(20)] : [brood(20), brood(26)]),
        { name: 'ps', engine: 'node-26', api: 'ps' },
        { name: 'ps-list', engine: 'node-26', api: 'ps-list' },
        { name: 'pidtree', engine: 'node-26', api: 'pidtree' },
        { name: 'native: the bare files', engine: 'native', api: 'table' },
      ],
      rounds: isQuick ? 1 : 2,
      metrics: [
        { key: 'time50', label: 'p50', unit: 'ms' },
        { key: 'first', label: 'first call', unit: 'ms' },
      ],
    }))
  },
}
