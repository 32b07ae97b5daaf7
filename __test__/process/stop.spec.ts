import { once } from 'node:events'
import test from 'ava'
import { spawn, SpawnError, WaitError, type Child } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'
import { isAlive } from '../helpers/zombies.ts'

checkLeaks(test)

/** A process that ignores a signal: what is ignored stays so across exec. */
const deafTo = async (signal: string): Promise<Child> => {
  const child = spawn('sh', ['-c', `trap '' ${signal}; echo ready; exec sleep 1000`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  return child
}

test('stop() asks with SIGTERM', async (t) => {
  const child = spawn('sleep', ['1000'])
  const status = await within(child.stop(), 'it stops')
  t.is(status.signal, 'SIGTERM')
  t.is(status, await child.wait())
})

test('stop() insists with SIGKILL after the grace', async (t) => {
  const child = await deafTo('TERM')
  const start = performance.now()
  const status = await within(child.stop({ grace: 300 }), 'it stops')
  t.is(status.signal, 'SIGKILL')
  t.true(performance.now() - start >= 290, 'not before the grace is over')
})

test('the grace is 5 seconds by default', async (t) => {
  const child = await deafTo('TERM')
  const start = performance.now()
  const stopping = child.stop()
  t.is((await within(stopping, 'it stops')).signal, 'SIGKILL')
  const elapsed = performance.now() - start
  t.true(elapsed >= 4_990, `${elapsed} ms`)
})

test('stop({ signal }) asks with that', async (t) => {
  const child = await deafTo('TERM')
  t.is((await within(child.stop({ signal: 'SIGINT' }), 'it stops')).signal, 'SIGINT')
})

test('stop({ grace: 0 }) insists at once', async (t) => {
  const child = await deafTo('TERM')
  t.is((await within(child.stop({ grace: 0 }), 'it stops')).signal, 'SIGKILL')
})

test('stop() of a child that ends itself when asked has its code', async (t) => {
  const child = spawn('sh', ['-c', 'trap "exit 12" TERM; echo ready; while :; do sleep 0.01; done'])
  await once(child.stdout!, 'data')
  t.is((await within(child.stop(), 'it stops')).code, 12)
  child.stdout!.destroy()
})

test('stop() after the exit is its status', async (t) => {
  const child = spawn('sh', ['-c', 'exit 3'])
  const status = await child.wait()
  t.is(await child.stop(), status)
})

test('stop() twice', async (t) => {
  const child = await deafTo('TERM')
  const [first, second] = await Promise.all([child.stop({ grace: 600_000 }), child.stop({ grace: 50 })])
  t.is(first, second)
  t.is(first.signal, 'SIGKILL')
})

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('stop() leaves no timer behind', async (t) => {
  const child = spawn('sleep', ['1000'])
  const stopping = child.stop({ grace: 600_000 })
  const during = timers()
  await stopping
  t.true(timers() < during)
})

test('stop() of an orphan rejects as wait() does', async (t) => {
  const child = spawn('sleep', ['1000'])
  child.orphan()
  t.is((await rejectionOf(child.stop(), WaitError)).code, 'ERR_CHILD_ORPHANED')
  t.true(isAlive(child.pid))
  process.kill(child.pid, 'SIGKILL')
})

test('stop() of what could not be executed rejects with the SpawnError', async (t) => {
  const child = spawn('true', ['x'.repeat(1 << 20)])
  await rejectionOf(child.wait(), SpawnError)
  t.is((await rejectionOf(child.stop(), SpawnError)).code, 'E2BIG')
})

for (const [options, pattern] of [
  [{ signal: 'SIGNOPE' }, /"signal".*SIGNOPE/],
  [{ grace: -1 }, /"grace" must be a number of milliseconds of 0 or more; received -1/],
  [{ grace: NaN }, /"grace".*NaN/],
  [{ grace: '5' }, /"grace".*'5'/],
] as const) {
  test(`stop(${JSON.stringify(options)}) rejects, and sends nothing`, async (t) => {
    const child = spawn('sleep', ['1000'])
    await t.throwsAsync(child.stop(options as never), { message: pattern })
    t.true(isAlive(child.pid))
    child.kill('SIGKILL')
    await child.wait()
  })
}
