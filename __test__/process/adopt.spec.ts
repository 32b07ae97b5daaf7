import { spawn as nodeSpawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { adoptOrphans, orphanQueue, processTree, run, type Adoption, type ReapedOrphan } from 'brood'

import { fixture, runFixture, runNode } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until } from '../helpers/until.ts'
import { isGone, isZombie, processEntry } from '../helpers/zombies.ts'

checkLeaks(test)

/** Adopts until the test is over, and keeps a list of who was reaped. */
const adopt = (t: ExecutionContext, options?: { grace?: number }): { adoption: Adoption; reaped: ReapedOrphan[] } => {
  const reaped: ReapedOrphan[] = []
  const listener = (orphan: ReapedOrphan): void => void reaped.push(orphan)
  orphanQueue.on('reap', listener)
  const adoption = adoptOrphans(options)
  t.teardown(() => {
    adoption[Symbol.dispose]()
    orphanQueue.off('reap', listener)
  })
  return { adoption, reaped }
}

/** Leaves a process behind whose parent ends at once; its pid. */
const leave = async (command: string): Promise<number> => {
  const { stdout } = await run('sh', ['-c', `(${command}) >/dev/null 2>&1 & echo $!`])
  return Number(stdout)
}

test.serial('a stranger is reaped, reported with its status, and counted', async (t) => {
  const { adoption, reaped } = adopt(t)
  const pid = await leave('sleep 0.2; exit 7')
  t.is(processEntry(pid)?.ppid, process.pid, 'it has fallen to us')
  t.is(adoption.adopted, 0)
  await until(() => isGone(pid), 'the stranger is reaped')
  await until(() => reaped.length > 0, 'it is reported')
  // The sleep in it ends first, as its own child.
  const found = reaped.find((orphan) => orphan.pid === pid)!
  t.is(found.status.code, 7)
  t.true(found.adopted)
  t.true(found.status.duration >= 150 && found.status.duration < 30_000, `${found.status.duration} ms`)
  t.is(found.status.usage.maxRSS, null, 'nobody knows what it has from its parent')
  t.is(adoption.adopted, 1)
})

test.serial('a signal that ended a stranger is reported', async (t) => {
  const { reaped } = adopt(t)
  const pid = await leave('exec sleep 1000')
  process.kill(pid, 'SIGKILL')
  await until(() => reaped.length === 1, 'the stranger is reaped')
  t.is(reaped[0]!.status.signal, 'SIGKILL')
})

test.serial('a stranger is left alone for the grace period', async (t) => {
  const { reaped } = adopt(t, { grace: 400 })
  const pid = await leave('exec sleep 0.05')
  await until(() => isZombie(pid), 'it has ended')
  const start = performance.now()
  await until(() => reaped.length === 1, 'it is reaped')
  t.true(performance.now() - start > 300, `${performance.now() - start} ms`)
})

test.serial('strangers that had ended before anybody adopted are reaped', async (t) => {
  const first = adoptOrphans({ grace: 60_000 })
  const pid = await leave('exec sleep 0.05')
  await until(() => isZombie(pid), 'it has ended')
  first[Symbol.dispose]()
  const { adoption } = adopt(t)
  await until(() => isGone(pid), 'it is reaped')
  t.is(adoption.adopted, 1)
})

test.serial(
  'there is one watcher for several adoptions, each with its count, and it stops with the last one',
  async (t) => {
    const listeners = process.listenerCount('SIGCHLD')
    const first = adoptOrphans()
    const second = adoptOrphans({ grace: 200 })
    t.is(process.listenerCount('SIGCHLD'), listeners + 1)
    const pid = await leave('exec sleep 0.05')
    await until(() => isGone(pid), 'it is reaped')
    await until(() => first.adopted === 1, 'it is counted')
    t.is(second.adopted, 1)
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    const next = await leave('exec sleep 0.05')
    await until(() => isGone(next), 'the other one goes on')
    t.deepEqual([first.adopted, second.adopted], [1, 2])
    second[Symbol.dispose]()
    t.is(process.listenerCount('SIGCHLD'), listeners)
    const last = await leave('exec sleep 0.05')
    t.not(processEntry(last)?.ppid, process.pid, 'this process is no subreaper any more')
  },
)

test.serial('a stranger that still runs shows in processTree(), among the children of this process', async (t) => {
  const { adoption } = adopt(t)
  const pid = await leave('exec sleep 1000')
  const found = processTree().get(pid)
  t.is(found?.parent?.pid, process.pid)
  process.kill(pid)
  await until(() => isGone(pid), 'it is reaped')
  t.is(adoption.adopted, 1)
})

test.serial('removing all listeners of SIGCHLD does not stop it', async (t) => {
  const { adoption } = adopt(t)
  process.removeAllListeners('SIGCHLD')
  await Promise.resolve()
  const pid = await leave('exec sleep 0.05')
  await until(() => isGone(pid), 'it is reaped')
  t.is(adoption.adopted, 1)
})

/** A worker that has started one child, and then never looks again. */
const blockedWorker = async (command: string): Promise<{ worker: Worker; pid: number }> => {
  const source = `
    const { spawn } = require('node:child_process')
    const { parentPort } = require('node:worker_threads')
    parentPort.postMessage(spawn('sh', ['-c', ${JSON.stringify(command)}], { stdio: 'ignore' }).pid)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`
  const worker = new Worker(source, { eval: true })
  const [pid] = (await once(worker, 'message')) as [number]
  return { worker, pid }
}

test.serial("a worker's child that has ended is the worker's, however long that does not look", async (t) => {
  const { adoption } = adopt(t, { grace: 0 })
  const { worker, pid } = await blockedWorker('exit 3')
  await until(() => isZombie(pid), 'it has ended, and its worker does not look')
  // Time enough for a watcher that took it for a stranger.
  const stranger = await leave('exec sleep 0.3')
  await until(() => isGone(stranger), 'a stranger is reaped meanwhile')
  t.true(isZombie(pid))
  await worker.terminate()
  await until(() => isGone(pid), 'it is reaped when the worker has ended')
  // By libuv, which may look once more while the loop of the worker is taken down; else by brood, to which it then falls
  // without a SIGCHLD.
  t.true(adoption.adopted === 1 || adoption.adopted === 2, String(adoption.adopted))
})

test.serial("a worker's child that outlives the worker is a stranger from then on", async (t) => {
  const { adoption } = adopt(t)
  const { worker, pid } = await blockedWorker('exec sleep 1000')
  await worker.terminate()
  t.is(processEntry(pid)?.ppid, process.pid)
  process.kill(pid)
  await until(() => isGone(pid), 'it is reaped')
  t.is(adoption.adopted, 1)
})

/** Whether all threads of a program are stopped. */
const isFrozen = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((tid) => {
    const line = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8')
    return line.slice(line.lastIndexOf(')') + 2).startsWith('T')
  })

test.serial('a program that is frozen for a while takes nothing from others when it thaws', async (t) => {
  // Without a grace period: what is tested is that threads which were about to reap come to it first.
  const program = nodeSpawn(process.execPath, [fixture('adopt-frozen.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const codes: string[] = []
  for await (const line of createInterface({ input: program.stdout })) {
    const [what, number] = line.split(' ')
    if (what === 'code') codes.push(number!)
    if (what !== 'pid') continue
    program.kill('SIGSTOP')
    await until(() => isFrozen(program.pid!), 'it is frozen')
    process.kill(Number(number), 'SIGUSR1')
    await until(() => isZombie(Number(number)), 'the shell of the terminal has ended')
    program.kill('SIGCONT')
  }
  t.deepEqual(
    codes,
    Array.from({ length: 40 }, (_, index) => String(index + 1)),
  )
})

test('nothing wakes up while nothing happens', async (t) => {
  const { stdout } = await runFixture('adopt-idle.mjs')
  const woken = JSON.parse(stdout) as Record<string, number>
  // The main thread for the timer of the test. In SIGCHLD mode, too, the driver has nobody to look after here.
  t.true(woken['main']! <= 5, stdout)
  t.true(woken['brood-driver']! <= 2, stdout)
})

test('it does not hold the event loop open', async (t) => {
  const source = "import { adoptOrphans } from 'brood'; adoptOrphans(); console.log('ends')"
  const { code, stdout } = await runNode(['--input-type=module', '-e', source], { cwd: process.cwd() })
  t.deepEqual([code, stdout], [0, 'ends\n'])
})

test('it does not hold the event loop open for strangers that have ended', async (t) => {
  const source = `
    import { adoptOrphans, run } from 'brood'
    adoptOrphans({ grace: 1e6 })
    await run('sh', ['-c', '(exec sleep 0.05) & sleep 0.1'])
    console.log('ends')`
  const { code, stdout } = await runNode(['--input-type=module', '-e', source], { cwd: process.cwd() })
  t.deepEqual([code, stdout], [0, 'ends\n'])
})

test('in a worker it throws', async (t) => {
  const { stdout } = await runFixture('adopt-in-worker.mjs')
  t.deepEqual(JSON.parse(stdout), [
    'TypeError',
    'ERR_WORKER_UNSUPPORTED_OPERATION',
    'adoptOrphans() is not supported in workers: call it on the main thread',
  ])
})

for (const [grace, code] of [
  ['100', 'ERR_INVALID_ARG_TYPE'],
  [null, 'ERR_INVALID_ARG_TYPE'],
  [-1, 'ERR_OUT_OF_RANGE'],
  [Number.NaN, 'ERR_OUT_OF_RANGE'],
  [2 ** 31, 'ERR_OUT_OF_RANGE'],
] as const) {
  test.serial(`grace: ${String(grace)} (${typeof grace}) is refused, and nothing begins`, (t) => {
    const listeners = process.listenerCount('SIGCHLD')
    const error = t.throws(() => adoptOrphans({ grace: grace as number }), { code })
    t.true(error.message.includes('"grace"') && error.message.includes(String(grace)), error.message)
    t.is(process.listenerCount('SIGCHLD'), listeners)
  })
}
