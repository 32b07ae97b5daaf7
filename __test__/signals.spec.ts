import { constants } from 'node:os'
import test from 'ava'

import { signalName, signalNumber, toSignalNumber } from '../src/signals.ts'

test('every signal of this system has its number', (t) => {
  for (const [name, number] of Object.entries(constants.signals)) {
    t.is(signalNumber(name), number, name)
    t.is(toSignalNumber(name), number, name)
    t.is(toSignalNumber(number), number, name)
  }
})

test('every number has one name, and back', (t) => {
  for (let number = 1; number <= 64; number++) {
    const name = signalName(number)
    // 32 and 33 are the C library's own.
    if (process.platform === 'linux' && number !== 32 && number !== 33) t.is(signalNumber(name), number, name)
  }
})

test('where two names share a number, it is the usual one', (t) => {
  t.is(signalName(constants.signals.SIGABRT), 'SIGABRT')
  t.is(signalName(constants.signals.SIGIO), 'SIGIO')
  t.is(signalName(constants.signals.SIGTERM), 'SIGTERM')
})

const onLinux = process.platform === 'linux' ? test : test.skip
onLinux(`real-time signals have names${process.platform === 'linux' ? '' : ' (Linux)'}`, (t) => {
  t.is(signalName(34) as string, 'SIGRTMIN')
  t.is(signalName(64) as string, 'SIGRTMIN+30')
  t.is(signalNumber('SIGRTMIN+5'), 39)
  t.is(signalNumber('SIGRTMIN+31'), undefined)
})

test('a signal without a name is called by its number', (t) => t.is(signalName(32) as string, 'SIG32'))

test('0 is no signal to end by, but one to ask with', (t) => {
  t.is(toSignalNumber(0), 0)
  t.is(signalNumber('SIG0'), undefined)
})

test('a name in the wrong case is told the right one', (t) => {
  const error = t.throws(() => toSignalNumber('sigterm', 'killSignal'), { code: 'ERR_UNKNOWN_SIGNAL' })
  t.is(error.message, `Unknown "killSignal": 'sigterm'; please rename it to 'SIGTERM', or a number from 0 to 64`)
})
