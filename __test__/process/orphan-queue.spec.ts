import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { ExitStatus, orphanQueue, spawn, type Child, type ReapedOrphan } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { until, within } from '../helpers/until.ts'
import { isAlive, isGone } from '../helpers/zombies.ts'

checkLeaks(test)

const sleeper = (): Child => spawn('sleep', ['1000'], { stdio: 'ignore' })

test.serial('it is empty as long as nothing is orphaned', async (t) => {
  t.is(orphanQueue.size, 0)
  const child = sleeper()
  t.is(orphanQueue.size, 0)
  child.kill('SIGKILL')
  await child.wait()
  t.is(orphanQueue.size, 0)
  t.is(orphanQueue.reapOrphans(), 0)
})

test.serial('it counts those that run, and reaps by itself', async (t) => {
  const children = Array.from({ length: 10 }, sleeper)
  for (const [index, child] of children.entries()) {
    if (index % 2 === 0) orphanQueue.pushOrphan(child)
    else child.orphan()
    t.is(orphanQueue.size, index + 1)
  }
  for (const { pid } of children) t.true(isAlive(pid))
  t.is(orphanQueue.reapOrphans(), 0, 'none of them has ended')
  for (const { pid } of children) process.kill(pid, 'SIGTERM')
  await until(() => orphanQueue.size === 0, 'the queue is empty')
  for (const { pid } of children) t.true(isGone(pid))
})

test.serial('orphan() twice counts once', async (t) => {
  const child = sleeper()
  child.orphan()
  child.orphan()
  orphanQueue.pushOrphan(child)
  t.is(orphanQueue.size, 1)
  process.kill(child.pid, 'SIGKILL')
  await until(() => orphanQueue.size === 0, 'the queue is empty')
})

test.serial('a child that has ended, noticed or not, is no orphan', async (t) => {
  const noticed = spawn('true', { stdio: 'ignore' })
  await noticed.wait()
  noticed.orphan()
  t.is(orphanQueue.size, 0)
  t.true((await noticed.wait()).success, 'and keeps its status')
  const unnoticed = spawn('true', { stdio: 'ignore' })
  while (isAlive(unnoticed.pid));
  unnoticed.orphan()
  await until(() => orphanQueue.size === 0, 'the queue is empty')
  t.true(isGone(unnoticed.pid))
})

test.serial('reapOrphans() hurries it, tells how many, and does not block', async (t) => {
  // The driver reaps, too, and is quick: it takes some tries to be there first.
  let most = 0
  await until(async () => {
    const children = Array.from({ length: 20 }, sleeper)
    for (const child of children) child.orphan()
    const before = orphanQueue.size
    for (const { pid } of children) process.kill(pid, 'SIGKILL')
    let reaped = 0
    while (orphanQueue.size > 0) reaped += orphanQueue.reapOrphans()
    t.is(before, 20)
    t.true(reaped <= 20)
    t.true(children.every(({ pid }) => isGone(pid)))
    most = Math.max(most, reaped)
    await sleep(0)
    return most > 0
  }, 'reapOrphans() has reaped one')
  t.true(most > 0)
})

test.serial("'reap' tells each, with its status", async (t) => {
  const told: ReapedOrphan[] = []
  const listener = (orphan: ReapedOrphan): void => void told.push(orphan)
  orphanQueue.on('reap', listener)
  const killed = sleeper()
  const failed = spawn('sh', ['-c', 'sleep 0.1; exit 3'], { stdio: 'ignore' })
  killed.orphan()
  failed.orphan()
  process.kill(killed.pid, 'SIGKILL')
  await until(() => told.length === 2, 'both are told')
  const status = (child: Child): ExitStatus => told.find(({ pid }) => pid === child.pid)!.status
  t.true(status(killed) instanceof ExitStatus)
  t.is(status(killed).signal, 'SIGKILL')
  t.is(status(failed).code, 3)
  t.true(status(failed).duration >= 90)
  t.true(told.every(({ adopted }) => adopted === false))
  orphanQueue.off('reap', listener)
  const unheard = sleeper()
  unheard.orphan()
  process.kill(unheard.pid, 'SIGKILL')
  await until(() => isGone(unheard.pid) && orphanQueue.size === 0, 'it is reaped')
  await sleep(20)
  t.is(told.length, 2, 'nothing is told after off()')
})

test.serial("'reap' has any number of listeners; those that stay still hear", async (t) => {
  const heard: string[] = []
  const first = (): void => void heard.push('first')
  const second = (): void => void heard.push('second')
  orphanQueue.on('reap', first)
  orphanQueue.on('reap', second)
  orphanQueue.off('reap', first)
  const child = sleeper()
  child.orphan()
  process.kill(child.pid, 'SIGKILL')
  await until(() => heard.length > 0, 'it is told')
  t.deepEqual(heard, ['second'])
  orphanQueue.off('reap', second)
  orphanQueue.off('reap', second)
})

test.serial("children that are waited for are not told by 'reap'", async (t) => {
  const told: number[] = []
  const listener = ({ pid }: ReapedOrphan): void => void told.push(pid)
  orphanQueue.on('reap', listener)
  const child = spawn('true')
  await child.wait()
  const orphan = sleeper()
  orphan.orphan()
  process.kill(orphan.pid, 'SIGKILL')
  await until(() => told.length > 0, 'the orphan is told')
  t.deepEqual(told, [orphan.pid])
  orphanQueue.off('reap', listener)
})

test.serial('500 orphans', async (t) => {
  const children = Array.from({ length: 500 }, () => spawn('true', { stdio: 'ignore' }))
  for (const child of children) child.orphan()
  await within(
    until(() => orphanQueue.size === 0, 'the queue is empty'),
    'all are reaped',
  )
  t.true(children.every(({ pid }) => isGone(pid)))
})
