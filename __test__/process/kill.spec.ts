import { constants } from 'node:os'
import { once } from 'node:events'
import { inspect } from 'node:util'
import test from 'ava'
import { spawn, type Child, type Signal } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { until, within } from '../helpers/until.ts'
import { isAlive, processEntry } from '../helpers/zombies.ts'

checkLeaks(test)

const sleeper = (): Child => spawn('sleep', ['1000'], { stdio: 'ignore' })

test('kill() is SIGTERM', async (t) => {
  const child = sleeper()
  t.true(child.kill())
  t.is((await child.wait()).signal, 'SIGTERM')
})

const deadly: Signal[] = [
  'SIGHUP',
  'SIGINT',
  'SIGKILL',
  'SIGUSR1',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGVTALRM',
]
for (const signal of deadly) {
  test(`kill('${signal}'), by name and by number`, async (t) => {
    const [byName, byNumber] = [sleeper(), sleeper()]
    t.true(byName.kill(signal))
    t.true(byNumber.kill(constants.signals[signal]))
    const status = await byName.wait()
    t.is(status.signal, signal)
    t.is(status.code, null)
    t.false(status.success)
    t.is((await byNumber.wait()).signal, signal)
  })
}

for (const [number, name] of [
  [34, 'SIGRTMIN'],
  [35, 'SIGRTMIN+1'],
  [50, 'SIGRTMIN+16'],
  [64, 'SIGRTMIN+30'],
] as const) {
  test(`the real-time signal ${number} is ${name}, in both directions`, async (t) => {
    const [byNumber, byName] = [sleeper(), sleeper()]
    t.true(byNumber.kill(number))
    t.true(byName.kill(name as Signal))
    for (const child of [byNumber, byName]) {
      const status = await within(child.wait(), 'it ends')
      t.is(status.signal as string, name)
      t.is(status.code, null)
    }
  })
}

test('kill(0) only asks', async (t) => {
  const child = sleeper()
  t.true(child.kill(0))
  t.true(child.kill(0))
  t.true(isAlive(child.pid))
  child.kill('SIGKILL')
  await child.wait()
  t.false(child.kill(0))
})

test('kill() after the exit is false', async (t) => {
  const child = spawn('true')
  await child.wait()
  t.false(child.kill())
  t.false(child.kill('SIGKILL'))
  t.false(child.kill(0))
})

test.serial('kill() of a child that has ended is false, also before the event loop was told', (t) => {
  const child = spawn('true', { stdio: 'ignore' })
  const end = performance.now() + 20_000
  // A zombie, or reaped by the driver already: nothing here gives the event loop a turn.
  while (isAlive(child.pid) && performance.now() < end);
  t.is(child.exitStatus, null)
  t.false(child.kill())
  t.false(child.kill(0))
  t.is(child.exitStatus, null)
  t.is(child.tryWait()?.code, 0)
})

test.serial('the status is not lost when kill() was the first to notice the exit', async (t) => {
  const child = spawn('sh', ['-c', 'exit 8'], { stdio: 'ignore' })
  while (isAlive(child.pid));
  t.false(child.kill('SIGKILL'))
  t.is((await within(child.wait(), 'wait resolves')).code, 8)
})

test('kill() twice before the child is gone', async (t) => {
  const child = sleeper()
  t.true(child.kill('SIGKILL'))
  child.kill('SIGKILL')
  t.is((await child.wait()).signal, 'SIGKILL')
  t.false(child.kill('SIGKILL'))
})

test('kill() at once after spawn reaches the child, wherever it is on its way to exec', async (t) => {
  for (let count = 0; count < 200; count++) {
    const child = sleeper()
    t.true(child.kill('SIGKILL'))
    t.is((await within(child.wait(), 'it ends')).signal, 'SIGKILL')
  }
})

test('a handled signal is handled', async (t) => {
  const child = spawn('sh', ['-c', 'trap "echo got USR1; exit 3" USR1; echo ready; while :; do sleep 0.01; done'])
  await once(child.stdout!, 'data')
  t.true(child.kill('SIGUSR1'))
  const [said] = (await once(child.stdout!, 'data')) as [Buffer]
  t.is(String(said), 'got USR1\n')
  t.is((await child.wait()).code, 3)
})

test('SIGSTOP and SIGCONT: a child that is stopped has not ended', async (t) => {
  const child = sleeper()
  t.true(child.kill('SIGSTOP'))
  await until(() => processEntry(child.pid)?.state === 'T', 'it is stopped')
  t.is(child.tryWait(), null)
  t.true(child.kill(0))
  t.true(child.kill('SIGCONT'))
  await until(() => processEntry(child.pid)?.state === 'S', 'it goes on')
  t.true(child.kill('SIGSTOP'))
  t.true(child.kill('SIGKILL'))
  t.is((await within(child.wait(), 'SIGKILL reaches it')).signal, 'SIGKILL')
})

for (const [what, signal] of [
  ['an unknown name', 'SIGNOPE'],
  ['a name in lower case', 'sigterm'],
  ['a name without SIG', 'TERM'],
  ['an empty name', ''],
  ['a number that is too high', 65],
  ['a negative number', -1],
  ['a fraction', 1.5],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['null', null],
  ['an object', {}],
  ['an object without a prototype', Object.create(null)],
  ['a symbol', Symbol('SIGTERM')],
  ['a number in a string', '9'],
] as const) {
  test(`kill() of ${what} throws, and sends nothing`, async (t) => {
    const child = sleeper()
    const error = t.throws(() => child.kill(signal as never), { instanceOf: TypeError, code: 'ERR_UNKNOWN_SIGNAL' })
    t.regex(error.message, /"signal"/)
    t.true(error.message.includes(inspect(signal)), error.message)
    t.regex(error.message, /SIGTERM/)
    t.true(isAlive(child.pid))
    child.kill('SIGKILL')
    await child.wait()
    t.throws(() => child.kill(signal as never), { code: 'ERR_UNKNOWN_SIGNAL' }, 'after the exit, too')
  })
}
