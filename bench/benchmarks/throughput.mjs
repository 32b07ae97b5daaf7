// Spawns per second.

import { brood, everybody, held, node, posixSpawn, tokio } from '../competitors.mjs'

const metrics = [
  { key: 'rate', label: 'spawns', unit: 'rate' },
  { key: 'threadCpu', label: 'JS thread per child', unit: 'us' },
  { key: 'processCpu', label: 'all threads per child', unit: 'us' },
]

export default {
  name: 'throughput',
  title: 'Spawns per second',
  about:
    'So many `/bin/true` at once, a new one started in the exit callback of the one before. The native program has two ' +
    'threads, each with half of the children, and waits for its oldest; Tokio has two worker threads.',
  chart: { key: 'rate', unit: 'rate', title: 'Spawns per second', better: 'longer' },
  scenarios: (isQuick) => {
    const parameters = { milliseconds: isQuick ? 500 : 1500 }
    const rounds = isQuick ? 1 : 3
    const plain = (isQuick ? [16] : [1, 4, 16, 64]).map((concurrency) => ({
      title: `${concurrency} at once, ignored, ~50 MB held`,
      subject: 'throughput',
      parameters: { ...parameters, stdio: 'ignore', held: 0, concurrency },
      competitors: [...everybody(isQuick), posixSpawn, tokio],
      rounds,
      metrics,
      key: { stdio: 'ignore', memory: 'little', concurrency },
    }))
    const majors = isQuick ? [20] : [20, 26]
    const others = [
      ['pipe', 'little'],
      ['ignore', 'much'],
      ['pipe', 'much'],
      ...(isQuick ? [] : [['read', 'little']]),
    ].map(([stdio, memory]) => ({
      title: `16 at once, ${{ ignore: 'ignored', pipe: 'piped', read: 'piped, all three streams made' }[stdio]}, ${held[memory].title} held`,
      subject: 'throughput',
      parameters: { ...parameters, stdio, held: held[memory].bytes, concurrency: 16 },
      competitors: [
        ...majors.map((major) => brood(major)),
        ...majors.map((major) => node(major)),
        ...(isQuick ? [] : [...everybody(true).slice(2), posixSpawn, tokio]),
      ],
      rounds,
      metrics,
      key: { stdio, memory, concurrency: 16 },
    }))
    return [...plain, ...others]
  },
}
