import { text } from 'node:stream/consumers'
import test from 'ava'
import { orphanQueue, spawn, WaitError } from 'brood'

import { descriptors, newDescriptors } from '../helpers/descriptors.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { until, within } from '../helpers/until.ts'
import { isAlive, isGone } from '../helpers/zombies.ts'

checkLeaks(test)

test('dispose makes wait() reject, and closes the streams', async (t) => {
  const child = spawn('sleep', ['1000'])
  const { stdin, stdout } = child
  const waiting = rejectionOf(child.wait(), WaitError)
  child[Symbol.dispose]()
  t.is((await waiting).code, 'ERR_CHILD_ORPHANED')
  t.is((await rejectionOf(child.wait(), WaitError)).pid, child.pid)
  t.true(stdin!.destroyed)
  t.true(stdout!.destroyed)
  t.true(child.stderr!.destroyed, 'one that was not made before')
  t.is(child.tryWait(), null)
  t.false(child.kill(), 'it is not ours any more')
  process.kill(child.pid, 'SIGKILL')
})

test('a child that writes after dispose gets SIGPIPE', async (t) => {
  const child = spawn('yes', { stdio: ['ignore', 'pipe', 'inherit'] })
  child[Symbol.dispose]()
  await until(() => isGone(child.pid), 'yes ends')
  t.pass()
})

test('dispose twice, and after orphan()', async (t) => {
  const child = spawn('sleep', ['1000'])
  child[Symbol.dispose]()
  child[Symbol.dispose]()
  const other = spawn('sleep', ['1000'])
  other.orphan()
  other[Symbol.dispose]()
  await other[Symbol.asyncDispose]()
  process.kill(child.pid, 'SIGKILL')
  process.kill(other.pid, 'SIGKILL')
  await until(() => orphanQueue.size === 0, 'both are reaped')
  t.pass()
})

test('dispose after the exit keeps the status, and lets go of what was written', async (t) => {
  const child = spawn('echo', ['x'])
  const status = await child.wait()
  child[Symbol.dispose]()
  t.is(await child.wait(), status)
  t.is(child.exitStatus, status)
  t.true(child.stdout!.destroyed)
})

test.serial('dispose after the exit closes a pipe that a grandchild holds', async (t) => {
  const before = descriptors()
  const child = spawn('sh', ['-c', 'sleep 1 & :'])
  await child.wait()
  // Its stdin, too, if the grandchild has not let go of that yet.
  t.true(newDescriptors(before).length >= 2)
  child[Symbol.dispose]()
  t.deepEqual(newDescriptors(before), [])
})

test('asyncDispose with killOnDrop waits until it is gone', async (t) => {
  const child = spawn('sleep', ['1000'], { killOnDrop: true })
  await within(child[Symbol.asyncDispose](), 'it is gone')
  t.true(isGone(child.pid))
  t.is((await child.wait()).signal, 'SIGKILL')
})

test('asyncDispose without killOnDrop does not wait', async (t) => {
  const child = spawn('sleep', ['1000'])
  await within(child[Symbol.asyncDispose](), 'it returns')
  t.true(isAlive(child.pid))
  t.is((await rejectionOf(child.wait(), WaitError)).code, 'ERR_CHILD_ORPHANED')
  process.kill(child.pid, 'SIGKILL')
})

test('asyncDispose of what could not be executed', async (t) => {
  const child = spawn('true', ['x'.repeat(1 << 20)], { killOnDrop: true })
  await within(child[Symbol.asyncDispose](), 'it returns')
  t.true(isGone(child.pid))
})

test('using and await using', async (t) => {
  let used: number
  {
    using child = spawn('cat', { killOnDrop: true })
    used = child.pid
    child.stdin!.end('x')
    t.is(await text(child.stdout!), 'x')
  }
  await until(() => isGone(used), 'it is gone')
  {
    await using child = spawn('sleep', ['1000'], { killOnDrop: true })
    used = child.pid
  }
  t.true(isGone(used))
})

test('an output that is being gathered when the handle is dropped rejects', async (t) => {
  const child = spawn('sh', ['-c', 'echo x; exec sleep 1000'], { killOnDrop: true })
  const gathering = rejectionOf(child.output(), WaitError)
  child[Symbol.dispose]()
  t.is((await within(gathering, 'output() rejects')).code, 'ERR_CHILD_ORPHANED')
  await until(() => isGone(child.pid), 'it is gone')
})
