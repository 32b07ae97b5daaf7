import test from 'ava'
import { spawn, SpawnError, type Child, type SpawnOptions } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { processEntry } from '../helpers/zombies.ts'

checkLeaks(test)

const ours = processEntry(process.pid)!

const withSleeper = async (options: SpawnOptions, look: (child: Child) => unknown): Promise<void> => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore', ...options })
  try {
    await child.spawned
    await look(child)
  } finally {
    child.kill('SIGKILL')
    await child.wait()
  }
}

test('by default a child is in our session and process group', (t) =>
  withSleeper({}, ({ pid }) => {
    t.like(processEntry(pid), { session: ours.session, processGroup: ours.processGroup })
  }))

test('detached: its own session and process group', (t) =>
  withSleeper({ detached: true }, ({ pid }) => t.like(processEntry(pid), { session: pid, processGroup: pid })))

test('detached: false', (t) =>
  withSleeper({ detached: false }, ({ pid }) => t.is(processEntry(pid)!.session, ours.session)))

for (const processGroup of [true, 0]) {
  test(`processGroup: ${processGroup}: its own process group in our session`, (t) =>
    withSleeper({ processGroup }, ({ pid }) => t.like(processEntry(pid), { session: ours.session, processGroup: pid })))
}

test('processGroup: false', (t) =>
  withSleeper({ processGroup: false }, ({ pid }) => t.is(processEntry(pid)!.processGroup, ours.processGroup)))

test('processGroup: a number is the group of another child', (t) =>
  withSleeper({ processGroup: true }, (leader) =>
    withSleeper({ processGroup: leader.pid }, ({ pid }) => t.is(processEntry(pid)!.processGroup, leader.pid)),
  ))

test('processGroup: true or 0 goes with detached', (t) =>
  withSleeper({ detached: true, processGroup: true }, ({ pid }) =>
    t.like(processEntry(pid), { session: pid, processGroup: pid }),
  ))

test('a signal to the group reaches all of it', async (t) => {
  const leader = spawn('sh', ['-c', 'sleep 1000 & wait'], { stdio: 'ignore', processGroup: true })
  await leader.spawned
  process.kill(-leader.pid, 'SIGTERM')
  t.is((await leader.wait()).signal, 'SIGTERM')
})

test('a process group that cannot be joined rejects with EPERM at step setup', async (t) => {
  // 1 is in another session.
  const child = spawn('true', { processGroup: 1 })
  const error = await rejectionOf(child.wait(), SpawnError)
  t.is(error.code, 'EPERM')
  t.is(error.step, 'setup')
  t.is(error.path, 'true')
  t.is(await rejectionOf(child.spawned, SpawnError), error)
})
