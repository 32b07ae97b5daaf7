// Where the time of one child goes.

import { execFileSync } from 'node:child_process'

import { brood } from '../competitors.mjs'
import { format } from '../harness/format.mjs'
import { nativeProgram } from '../harness/peers.mjs'

const ways = {
  ignore: 'spawn, ignored',
  pipe: 'spawn, piped',
  read: 'spawn, piped, all three streams made',
  run: 'run()',
}

/** Each system call by itself, without brood. */
const systemCalls = () => {
  const figures = JSON.parse(execFileSync(nativeProgram, ['syscalls'], { encoding: 'utf8' }))
  const rows = Object.entries(figures).map(([name, micros]) => `| ${name} | ${format(micros, 'us')} |`)
  return { text: ['| system call by itself | |', '| --- | --: |', ...rows].join('\n'), figures }
}

export default {
  name: 'budget',
  title: 'Where the time of one child goes',
  about:
    'One child after the other. The call, by the clock, and what of it is spent in the native part: spawn, and the taking ' +
    'over of pipes. The rest is JavaScript. Behind that the native part of an exit, and all processor time of the JavaScript ' +
    'thread for one child. The watching adds about half a microsecond to each native call.',
  chart: { key: 'call', unit: 'us', title: 'The call, p50', better: 'shorter' },
  scenarios: (isQuick) =>
    (isQuick ? [20] : [20, 26]).map((major) => ({
      title: `Node ${major}`,
      subject: 'budget',
      parameters: { count: isQuick ? 300 : 1000 },
      competitors: Object.entries(ways).map(([how, name]) => ({ ...brood(major), name, parameters: { how } })),
      rounds: isQuick ? 1 : 3,
      metrics: [
        { key: 'call', label: 'call', unit: 'us', plain: true },
        { key: 'spawn', label: 'native spawn', unit: 'us', plain: true },
        { key: 'capture', label: 'taking pipes over', unit: 'us', plain: true },
        { key: 'script', label: 'JavaScript', unit: 'us', plain: true },
        { key: 'take', label: 'exit, native', unit: 'us', plain: true },
        { key: 'threadTime', label: 'JS thread in all', unit: 'us', plain: true },
      ],
    })),
  appendix: systemCalls,
}
