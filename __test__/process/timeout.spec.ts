import { getEventListeners, once, setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { AbortError, run, spawn, TimeoutError, type SpawnOptions } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'
import { childrenOf, isAlive, isGone } from '../helpers/zombies.ts'

checkLeaks(test)

const block = (milliseconds: number): void => {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

test('timeout sends SIGTERM', async (t) => {
  const start = performance.now()
  const status = await within(spawn('sleep', ['1000'], { timeout: 200 }).wait(), 'it ends')
  t.is(status.signal, 'SIGTERM')
  t.true(performance.now() - start >= 199)
})

test('timeout sends killSignal', async (t) => {
  const status = await within(spawn('sleep', ['1000'], { timeout: 50, killSignal: 'SIGINT' }).wait(), 'it ends')
  t.is(status.signal, 'SIGINT')
})

test('timeout of a child that ends in time does nothing', async (t) => {
  t.true((await spawn('true', { timeout: 60_000 }).wait()).success)
  t.is((await run('echo', ['x'], { timeout: 60_000 })).stdout, 'x\n')
})

for (const timeout of [0, Infinity]) {
  test(`timeout: ${timeout} is never`, async (t) => {
    const child = spawn('sleep', ['1000'], { timeout })
    await sleep(50)
    t.true(isAlive(child.pid))
    child.kill('SIGKILL')
    await child.wait()
  })
}

test('run() with timeout rejects with a TimeoutError', async (t) => {
  const script = 'echo out; echo err >&2; exec sleep 1000'
  const error = await within(rejectionOf(run('sh', ['-c', script], { timeout: 1_000 }), TimeoutError), 'it rejects')
  t.is(error.name, 'TimeoutError')
  t.is(error.code, 'ETIMEDOUT')
  t.is(error.status.signal, 'SIGTERM')
  t.is(error.stdout, 'out\n')
  t.is(error.stderr, 'err\n')
  t.regex(error.message, /1000 ms/)
  t.regex(error.message, /SIGTERM/)
  t.regex(error.message, /sh -c/)
})

test('run() with timeout rejects also when check is false, and when the child makes a success of it', async (t) => {
  const script = 'trap "exit 0" TERM; while :; do sleep 0.01; done'
  for (const check of [true, false]) {
    const running = run('sh', ['-c', script], { timeout: 500, check })
    t.is((await within(rejectionOf(running, TimeoutError), 'it rejects')).status.code, 0)
  }
})

test('a child that ignores SIGTERM is killed in the end, with timeout and with signal', async (t) => {
  const script = 'trap "" TERM; echo $$; exec sleep 1000'
  const start = performance.now()
  const timedOut = rejectionOf(run('sh', ['-c', script], { timeout: 500 }), TimeoutError)
  const controller = new AbortController()
  const child = spawn('sh', ['-c', script], { signal: controller.signal })
  await once(child.stdout!, 'data')
  controller.abort()
  const error = await within(timedOut, 'it rejects')
  t.is(error.status.signal, 'SIGKILL')
  t.true(isGone(Number(error.stdout)))
  t.is((await within(child.wait(), 'it ends')).signal, 'SIGKILL')
  t.true(performance.now() - start >= 4_900, 'not before the grace was over')
  child.stdout!.destroy()
})

test.serial(
  'a child that has ended in time is no late one, although the event loop was stopped for longer',
  async (t) => {
    // From the check phase the loop comes to its timers before it comes to what the driver has sent.
    await new Promise((resolve) => setImmediate(resolve))
    const running = run('echo', ['in time'], { timeout: 200 })
    const child = spawn('true', { timeout: 200 })
    await sleep(0)
    block(600)
    t.is((await running).stdout, 'in time\n')
    t.true((await child.wait()).success)
  },
)

test.serial('a child that is late is stopped once the event loop runs again', async (t) => {
  const running = rejectionOf(run('sleep', ['1000'], { timeout: 100 }), TimeoutError)
  block(400)
  t.is((await within(running, 'it rejects')).status.signal, 'SIGTERM')
})

test('signal: abort sends SIGTERM', async (t) => {
  const controller = new AbortController()
  const child = spawn('sleep', ['1000'], { signal: controller.signal })
  controller.abort()
  t.is((await within(child.wait(), 'it ends')).signal, 'SIGTERM')
})

test('signal: abort sends killSignal', async (t) => {
  const controller = new AbortController()
  const child = spawn('sleep', ['1000'], { signal: controller.signal, killSignal: 'SIGKILL' })
  controller.abort()
  t.is((await within(child.wait(), 'it ends')).signal, 'SIGKILL')
})

test('run() with a signal that is aborted rejects with an AbortError', async (t) => {
  const controller = new AbortController()
  const running = run('sleep', ['1000'], { signal: controller.signal })
  const before = childrenOf().length
  setTimeout(() => controller.abort(new Error('no more')), 30)
  const error = await within(rejectionOf(running, AbortError), 'it rejects')
  t.is(error.name, 'AbortError')
  t.is(error.code, 'ABORT_ERR')
  t.is((error.cause as Error).message, 'no more')
  t.regex(error.message, /SIGTERM/)
  t.true(before > 0)
})

test('run() rejects also when the child makes a success of an abort', async (t) => {
  const controller = new AbortController()
  const running = run('sh', ['-c', 'trap "exit 0" TERM; while :; do sleep 0.01; done'], { signal: controller.signal })
  setTimeout(() => controller.abort(), 500)
  await within(rejectionOf(running, AbortError), 'it rejects')
  t.pass()
})

test.serial('a signal that was aborted beforehand: spawn throws, run rejects, nothing is started', async (t) => {
  const signal = AbortSignal.abort('too late')
  const before = childrenOf().length
  const options: SpawnOptions = { signal }
  const error = t.throws(() => spawn('sleep', ['1000'], options), { instanceOf: AbortError, code: 'ABORT_ERR' })
  t.is(error.cause, 'too late')
  t.is((await rejectionOf(run('sleep', ['1000'], options), AbortError)).cause, 'too late')
  t.is(childrenOf().length, before)
})

test('a signal that is aborted after the exit does nothing', async (t) => {
  const controller = new AbortController()
  const child = spawn('true', { signal: controller.signal })
  const status = await child.wait()
  const output = await run('echo', ['x'], { signal: controller.signal })
  controller.abort()
  t.is(await child.wait(), status)
  t.is(output.stdout, 'x\n')
})

test('AbortSignal.timeout()', async (t) => {
  const error = await rejectionOf(run('sleep', ['1000'], { signal: AbortSignal.timeout(50) }), AbortError)
  t.is((error.cause as Error).name, 'TimeoutError')
})

test('one signal for many children, which leave no listener on it', async (t) => {
  const controller = new AbortController()
  const { signal } = controller
  setMaxListeners(0, signal)
  const done = spawn('true', { signal })
  await Promise.all([done.wait(), ...Array.from({ length: 30 }, () => run('true', { signal }))])
  t.is(getEventListeners(signal, 'abort').length, 0)
  const children = Array.from({ length: 30 }, () => spawn('sleep', ['1000'], { signal }))
  t.is(getEventListeners(signal, 'abort').length, 30)
  controller.abort()
  for (const child of children) t.is((await within(child.wait(), 'each ends')).signal, 'SIGTERM')
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('timeout and abort of a child that was given up do nothing', async (t) => {
  const controller = new AbortController()
  const child = spawn('sleep', ['1000'], { signal: controller.signal, timeout: 50 })
  child.orphan()
  controller.abort()
  await sleep(150)
  t.true(isAlive(child.pid))
  process.kill(child.pid, 'SIGKILL')
})
