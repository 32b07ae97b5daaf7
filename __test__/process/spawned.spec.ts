import test from 'ava'
import { spawn, WaitError } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'

checkLeaks(test)

test('spawned resolves once the program is executed, while it runs', async (t) => {
  const child = spawn('cat')
  t.is(await within(child.spawned, 'spawned resolves'), undefined)
  t.is(child.tryWait(), null)
  child.stdin!.end()
  await child.wait()
})

test('spawned is one promise', async (t) => {
  const child = spawn('true')
  t.is(child.spawned, child.spawned)
  await child.spawned
  await child.wait()
})

test('spawned that is first asked for after the exit', async (t) => {
  const child = spawn('true')
  await child.wait()
  await within(child.spawned, 'spawned resolves')
  t.pass()
})

test('spawned that is first asked for while it runs', async (t) => {
  const child = spawn('sh', ['-c', 'echo up; cat'])
  await new Promise((resolve) => child.stdout!.once('data', resolve))
  await within(child.spawned, 'spawned resolves')
  child.stdin!.end()
  await child.wait()
  t.pass()
})

test('spawned that resolved stays so after orphan()', async (t) => {
  const child = spawn('sleep', ['1000'])
  await child.spawned
  child.orphan()
  await child.spawned
  process.kill(child.pid, 'SIGKILL')
  t.pass()
})

test('spawned of a child that was given up before anybody knew rejects', async (t) => {
  const child = spawn('sleep', ['1000'])
  child.orphan()
  t.is((await rejectionOf(child.spawned, WaitError)).code, 'ERR_CHILD_ORPHANED')
  process.kill(child.pid, 'SIGKILL')
})

test('100 children tell, each', async (t) => {
  const children = Array.from({ length: 100 }, () => spawn('true', { stdio: 'ignore' }))
  await within(Promise.all(children.map((child) => child.spawned)), 'all are spawned')
  await Promise.all(children.map((child) => child.wait()))
  t.pass()
})
