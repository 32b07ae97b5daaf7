// How long one spawn stops the event loop.

import { bareClone, everybody, held, posixSpawn, tokio } from '../competitors.mjs'

const metrics = [
  { key: 'stop50', label: 'stop p50', unit: 'us' },
  { key: 'stop99', label: 'stop p99', unit: 'us' },
  { key: 'threadCpu', label: 'JS thread, spawn through exit', unit: 'us' },
  { key: 'resident', label: 'resident', unit: 'bytes', plain: true },
]

const stdios = {
  ignore: 'ignored',
  pipe: 'piped, streams not looked at',
  read: 'piped, all three streams made',
}

export default {
  name: 'stop',
  title: 'Event-loop stop per spawn',
  about:
    'The time the call takes, on the thread that runs JavaScript, for `/bin/true`; one child after the other, the next one ' +
    'when the exit callback of the last one has run. “JS thread” is all processor time of that thread from one spawn to the ' +
    'next, the exit callback included.',
  chart: { key: 'stop50', unit: 'us', title: 'Event-loop stop per spawn, p50', better: 'shorter' },
  scenarios: (isQuick) => {
    const scenario = (stdio, memory, rounds) => ({
      title: `${stdios[stdio]}, ${held[memory].title} held`,
      subject: 'sequential',
      parameters: { stdio, held: held[memory].bytes, milliseconds: isQuick ? 300 : 1000, count: isQuick ? 200 : 1000 },
      competitors: [
        ...everybody(isQuick),
        posixSpawn,
        ...(isQuick ? [] : [tokio]),
        ...(stdio === 'ignore' ? [bareClone] : []),
      ],
      rounds,
      metrics,
      key: { stdio, memory },
    })
    if (isQuick) {
      return ['ignore', 'pipe'].flatMap((stdio) =>
        ['little', 'much'].map((memory) => {
          const made = scenario(stdio, memory, 1)
          // In a hurry, those that the memory does nothing to stay out.
          const left =
            memory === 'much'
              ? made.competitors.filter(({ api }) => api === 'brood' || api === 'node')
              : made.competitors
          return { ...made, competitors: left }
        }),
      )
    }
    return [
      ...['ignore', 'pipe', 'read'].flatMap((stdio) => ['little', 'much'].map((memory) => scenario(stdio, memory, 3))),
      { ...scenario('ignore', 'most', 3), competitors: [...everybody(false), posixSpawn] },
    ]
  },
}
