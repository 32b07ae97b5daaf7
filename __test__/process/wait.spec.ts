import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { spawn, WaitError } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { until, within } from '../helpers/until.ts'
import { isGone, isZombie } from '../helpers/zombies.ts'

checkLeaks(test)

test('wait() gives the same status however often and however late it is called', async (t) => {
  const child = spawn('sh', ['-c', 'exit 5'])
  const statuses = await Promise.all([child.wait(), child.wait(), child.wait()])
  await sleep(20)
  statuses.push(await child.wait())
  for (const status of statuses) t.is(status, statuses[0])
  t.is(statuses[0]!.code, 5)
  t.is(child.exitStatus, statuses[0])
  t.is(child.tryWait(), statuses[0])
})

test('wait() that is first called long after the exit', async (t) => {
  const child = spawn('sh', ['-c', 'exit 6'])
  await until(() => isGone(child.pid), 'the child was reaped although nobody waits')
  t.is((await within(child.wait(), 'wait resolves')).code, 6)
})

test('exitStatus is null while it runs', async (t) => {
  const child = spawn('cat')
  t.is(child.exitStatus, null)
  child.stdin!.end()
  const status = await child.wait()
  t.is(child.exitStatus, status)
})

test('tryWait() is null while it runs, and does not block', async (t) => {
  const child = spawn('sleep', ['1000'])
  const start = performance.now()
  for (let look = 0; look < 100; look++) t.is(child.tryWait(), null)
  t.true(performance.now() - start < 10_000)
  child.kill('SIGKILL')
  await child.wait()
})

test.serial('tryWait() finds an exit that the event loop has not been told of', (t) => {
  const child = spawn('sh', ['-c', 'exit 9'])
  // Nothing here gives the event loop a turn.
  const end = performance.now() + 20_000
  while (child.tryWait() === null && performance.now() < end);
  t.is(child.tryWait()?.code, 9)
  t.is(child.exitStatus, child.tryWait())
  t.true(isGone(child.pid))
})

test.serial('wait() after tryWait() has found the exit', async (t) => {
  const child = spawn('sh', ['-c', 'exit 9'])
  const waiting = child.wait()
  while (child.tryWait() === null);
  t.is(await within(waiting, 'an earlier wait() resolves'), child.tryWait()!)
  t.is(await within(child.wait(), 'a later one, too'), child.tryWait()!)
})

test('wait() depends on the process alone: no stream need be read', async (t) => {
  const child = spawn('head', ['-c', '60000', '/dev/zero'])
  t.not(child.stdout, null)
  t.true((await within(child.wait(), 'head ends')).success)
  child.stdout!.destroy()
  child.stderr!.destroy()
})

test('a child that has ended is no zombie, even when nobody waits', async (t) => {
  const children = Array.from({ length: 50 }, () => spawn('true'))
  await until(() => children.every(({ pid }) => isGone(pid)), 'all are reaped')
  t.false(children.some(({ pid }) => isZombie(pid)))
})

test('the exit codes 0 to 255 and what is beyond', async (t) => {
  const codes = [0, 1, 2, 126, 127, 128, 137, 254, 255, 256, 257]
  const found = await Promise.all(codes.map(async (code) => (await spawn('sh', ['-c', `exit ${code}`]).wait()).code))
  t.deepEqual(
    found,
    codes.map((code) => code % 256),
  )
})

test('many children, spawned and waited for one after the other', async (t) => {
  for (let count = 0; count < 300; count++) t.is((await spawn('true', { stdio: 'ignore' }).wait()).code, 0)
})

test('many children at once, each with its own status', async (t) => {
  const children = Array.from({ length: 300 }, (_, index) =>
    spawn('sh', ['-c', `exit ${index % 256}`], { stdio: 'ignore' }),
  )
  const statuses = await Promise.all(children.map((child) => child.wait()))
  t.deepEqual(
    statuses.map(({ code }) => code),
    children.map((_, index) => index % 256),
  )
})

test('orphan() makes wait() reject from then on', async (t) => {
  const child = spawn('sleep', ['1000'])
  const waiting = child.wait()
  child.orphan()
  const error = await within(rejectionOf(waiting, WaitError), 'wait rejects')
  t.is(error.code, 'ERR_CHILD_ORPHANED')
  t.is(error.pid, child.pid)
  t.is(await rejectionOf(child.wait(), WaitError), error)
  t.is(child.tryWait(), null)
  t.is(child.exitStatus, null)
  process.kill(child.pid, 'SIGKILL')
  await until(() => isGone(child.pid), 'the orphan queue reaps it')
})

test('spawnSync of node:child_process in between loses no exit', async (t) => {
  const children = Array.from({ length: 10 }, () => spawn('sh', ['-c', 'sleep 0.05; exit 4']))
  for (let count = 0; count < 5; count++) t.is(spawnSync('true').status, 0)
  for (const child of children) t.is((await within(child.wait(), 'each ends')).code, 4)
})
