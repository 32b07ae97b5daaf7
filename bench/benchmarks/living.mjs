// What an exit costs while many others live.

import { brood, bun, deno, everybody, node } from '../competitors.mjs'

export default {
  name: 'living',
  title: 'An exit with many living children',
  about:
    'So many `sleep` live; 200 more are killed one by one, each when the exit callback of the last one has run. “CPU per ' +
    'exit” is that of all threads of the program: kill, exit and callback. “Kill all” kills those that live and ends with ' +
    'the last exit callback.',
  chart: { key: 'exitCpu', unit: 'us', title: 'CPU per exit, by number of living children', better: 'shorter' },
  scenarios: (isQuick) =>
    (isQuick ? [0, 500] : [0, 1000, 10_000]).map((living) => ({
      title: `${living.toLocaleString('en-US')} living`,
      subject: 'living',
      parameters: { living, kills: isQuick ? 50 : 200 },
      competitors: isQuick ? everybody(true) : [brood(20), brood(26), node(20), node(26), bun, deno],
      rounds: isQuick ? 1 : 3,
      metrics: [
        { key: 'exitCpu', label: 'CPU per exit', unit: 'us' },
        { key: 'exit50', label: 'kill to callback p50', unit: 'us' },
        ...(living === 0
          ? []
          : [
              { key: 'killAll', label: 'kill all', unit: 'ms' },
              { key: 'killAllCpu', label: 'CPU of that, each', unit: 'us' },
            ]),
      ],
    })),
}
