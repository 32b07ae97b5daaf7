// From the spawn to the exit callback.

import { bareClone, everybody, posixSpawn, tokio } from '../competitors.mjs'

export default {
  name: 'latency',
  title: 'From spawn to exit callback',
  about: 'From before the call for `/bin/true` until the exit callback runs; one child after the other.',
  chart: { key: 'exit50', unit: 'us', title: 'From spawn to exit callback, p50', better: 'shorter' },
  scenarios: (isQuick) =>
    (isQuick ? ['ignore'] : ['ignore', 'pipe']).map((stdio) => ({
      title: `${{ ignore: 'ignored', pipe: 'piped' }[stdio]}, ~50 MB held`,
      subject: 'sequential',
      parameters: { stdio, held: 0, milliseconds: isQuick ? 300 : 1500, count: 2000 },
      competitors: [...everybody(isQuick), posixSpawn, tokio, ...(stdio === 'ignore' ? [bareClone] : [])],
      rounds: isQuick ? 1 : 3,
      metrics: [
        { key: 'exit50', label: 'exit p50', unit: 'us' },
        { key: 'exit99', label: 'exit p99', unit: 'us' },
      ],
    })),
}
