import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { processTree, spawn } from 'brood'

import { fixture } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { DAEMON, isStopped, noMarks, relatives } from '../helpers/relatives.ts'
import { until, within } from '../helpers/until.ts'
import { isAlive, processEntry } from '../helpers/zombies.ts'

checkLeaks(test)

const ignored = { stdio: 'ignore' } as const

const without = noMarks()
const markedTest = without === undefined ? test : test.skip
/** Says in the title why a test is skipped. */
const marked = (title: string): string => (without === undefined ? title : `${title} (skipped: ${without})`)

test('a shell, its node and its sleep', async (t) => {
  const family = relatives(t)
  const script = `require('child_process').spawn('sleep', ['1000']); setInterval(() => {}, 1000)`
  const child = spawn('sh', ['-c', 'node -e "$SCRIPT"; true'], { ...ignored, env: { ...family.env, SCRIPT: script } })
  await until(() => family.living().length === 3 && processTree(child.pid).size === 3, 'all three are there')
  t.is(child.killTree(0), 3)
  t.is(child.killTree(), 3)
  await family.end()
  t.is((await child.wait()).signal, 'SIGTERM')
})

test('those in other sessions and groups', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'setsid sh -c "setsid sleep 1000 & sleep 1000 & wait" & wait'], {
    ...ignored,
    env: family.env,
  })
  await family.reach(4)
  await until(() => new Set(family.living().map((pid) => processEntry(pid)?.session)).size === 3, 'three sessions')
  t.is(child.killTree('SIGKILL'), 4)
  await family.end()
  await child.wait()
})

markedTest(marked('daemons, whose parents are gone and who left session and group'), async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', `${DAEMON}; ${DAEMON}; exec sleep 1000`], { ...ignored, env: family.env })
  const pids = await family.reach(5)
  await until(() => family.living().filter((pid) => processEntry(pid)?.ppid === child.pid).length === 0, 'adopted')
  t.is(child.killTree('SIGKILL'), 5, `${pids}`)
  await family.end()
  await child.wait()
})

markedTest(marked('what a child has left behind, when it has ended and was reaped'), async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', `${DAEMON}; sleep 1000 & true`], { ...ignored, env: family.env })
  await child.wait()
  await family.reach(3)
  t.is(child.killTree(0), 3)
  t.is(child.killTree('SIGKILL'), 3)
  await family.end()
  t.is(child.killTree(), 0)
})

for (const [what, options] of [
  ['session', { detached: true }],
  ['process group', { processGroup: true }],
] as const) {
  test(`orphans in the child's own ${what}`, async (t) => {
    const family = relatives(t)
    const child = spawn('sh', ['-c', '(sleep 1000 & sleep 1000 & true); exec sleep 1000'], {
      ...ignored,
      ...options,
      env: family.env,
    })
    await family.reach(3)
    await until(() => processTree(child.pid).size === 1, 'they have another parent')
    t.is(child.killTree('SIGKILL'), 3)
    await family.end()
    await child.wait()
  })
}

test('nobody else: not another child, its daemon, or who is in the same group', async (t) => {
  const family = relatives(t)
  const others = relatives(t)
  const child = spawn('sh', ['-c', 'sleep 1000 & exec sleep 1000'], { ...ignored, env: family.env, processGroup: true })
  await family.reach(2)
  const neighbours = [
    spawn('sh', ['-c', `${DAEMON}; sleep 1000 & exec sleep 1000`], { ...ignored, env: others.env }),
    // A member of the group by choice is no descendant.
    spawn('sh', ['-c', 'sleep 1000 & exec sleep 1000'], { ...ignored, env: others.env, processGroup: child.pid }),
  ]
  const left = await others.reach(6)
  t.is(processEntry(neighbours[1]!.pid)?.processGroup, child.pid)
  t.is(child.killTree('SIGKILL'), 2)
  await child.wait()
  await family.end()
  t.deepEqual(others.living(), left)
  t.false(left.some(isStopped))
  for (const neighbour of neighbours) {
    neighbour.killTree('SIGKILL')
    await neighbour.wait()
  }
})

test('who is asked can answer: all go on after the signal', async (t) => {
  const family = relatives(t)
  const script =
    'trap "echo parent; exit 3" TERM; sh -c \'trap "echo child; exit 4" TERM; echo ready; while :; do sleep 0.01; done\' & while :; do sleep 0.01; done'
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], env: family.env })
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  // Listened for from now on: it may come before the last one of the family is seen to be gone.
  const closed = once(child.stdout!, 'close')
  await until(() => text.includes('ready'), 'both are ready')
  t.true(child.killTree('SIGTERM') >= 2)
  t.is((await within(child.wait(), 'it ends')).code, 3)
  await family.end()
  await closed
  t.true(text.includes('parent') && text.includes('child'), text)
})

test('0 only counts: nobody is stopped or hurt', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'sleep 1000 & exec sleep 1000'], { ...ignored, env: family.env })
  const pids = await family.reach(2)
  for (let round = 0; round < 20; round++) {
    t.is(child.killTree(0), 2)
    t.false(pids.some(isStopped))
  }
  child.killTree('SIGKILL')
  await child.wait()
})

test('SIGSTOP stops all, SIGCONT lets all go on', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'sleep 1000 & exec sleep 1000'], { ...ignored, env: family.env })
  const pids = await family.reach(2)
  t.is(child.killTree('SIGSTOP'), 2)
  t.true(pids.every(isStopped))
  t.is(child.killTree('SIGCONT'), 2)
  await until(() => !pids.some(isStopped), 'all go on')
  t.is(child.killTree('SIGSTOP'), 2)
  t.is(child.killTree('SIGTERM'), 2, 'also those who are stopped')
  await family.end()
  await child.wait()
})

test('a child in the middle of vfork(2) is no hindrance', async (t) => {
  const family = relatives(t)
  // posix_spawn in a loop: now and then the parent sleeps in the kernel until its child, stopped by us, has exec'd.
  const script = 'const { spawnSync } = require("child_process"); for (;;) spawnSync("true")'
  const child = spawn('sh', ['-c', 'while :; do /bin/true; done & while :; do /bin/true; done & node -e "$SCRIPT"'], {
    ...ignored,
    env: { ...family.env, SCRIPT: script },
  })
  await family.reach(4)
  t.true(child.killTree('SIGKILL') >= 4)
  await family.end()
  await child.wait()
})

test.serial('1,000 descendants', async (t) => {
  const family = relatives(t)
  const script = 'i=0; while [ $i -lt 1000 ]; do sleep 1000 & i=$((i+1)); done; echo all; wait'
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], env: family.env })
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  const start = performance.now()
  t.is(child.killTree(), 1001)
  t.log(`${(performance.now() - start).toFixed()} ms`)
  await family.end()
  await child.wait()
})

test('a child that has ended and left nobody', async (t) => {
  const child = spawn('true')
  await child.wait()
  t.is(child.killTree(), 0)
  t.is(child.killTree(0), 0)
})

test('a handle that was given up', async (t) => {
  const family = relatives(t)
  const child = spawn('sleep', ['1000'], { ...ignored, env: family.env })
  child.orphan()
  t.is(child.killTree('SIGKILL'), 0)
  t.true(isAlive(child.pid))
})

test('what is no signal', async (t) => {
  const child = spawn('sleep', ['1000'], ignored)
  t.throws(() => child.killTree('SIGNOTHING' as never), { code: 'ERR_UNKNOWN_SIGNAL' })
  t.throws(() => child.killTree(65), { code: 'ERR_UNKNOWN_SIGNAL' })
  t.true(isAlive(child.pid))
  t.is(child.killTree('SIGKILL'), 1)
  await child.wait()
})

test('by a worker, beside children of the main thread', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'sleep 1000 & exec sleep 1000'], { ...ignored, env: family.env })
  await family.reach(2)
  const worker = new Worker(fixture('kill-tree-in-worker.mjs'))
  // The last messages of a worker come together with its exit.
  const [[counts]] = await within(Promise.all([once(worker, 'message'), once(worker, 'exit')]), 'the worker ends')
  t.deepEqual(counts, [3, 3, 0])
  t.is(family.living().length, 2)
  t.is(child.killTree('SIGKILL'), 2)
  await child.wait()
})
