import { once } from 'node:events'
import test from 'ava'
import { AbortError, MaxBufferError, run, spawn, TimeoutError } from 'brood'

import { runFixture } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { DAEMON, noMarks, relatives } from '../helpers/relatives.ts'
import { rejectionOf, spawnErrorOf } from '../helpers/thrown.ts'
import { until, within } from '../helpers/until.ts'

checkLeaks(test)

const stdio = 'ignore'
/** Two, of which the shell ends when it is asked, and the other one only when it is killed. */
const DEAF_CHILD = 'sh -c "trap \\"\\" TERM; exec sleep 1000" & sleep 1000 & wait'

const without = noMarks()
const markedTest = without === undefined ? test : test.skip
const marked = (title: string): string => (without === undefined ? title : `${title} (skipped: ${without})`)

test('stop({ tree: true }) asks all and resolves when all are gone', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'sleep 1000 & setsid sleep 1000 & wait'], { stdio, env: family.env })
  await family.reach(3)
  const status = await within(child.stop({ tree: true }), 'all stop')
  t.is(status.signal, 'SIGTERM')
  t.deepEqual(family.living(), [])
  t.is(status, await child.wait())
})

test('stop({ tree: true }) insists with SIGKILL on who is left after the grace', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', DEAF_CHILD], { stdio, env: family.env })
  await family.reach(3)
  // Only what was executed in the end is deaf to the signal for sure.
  await until(() => child.killTree(0) === 3, 'all are there')
  const start = performance.now()
  const stopping = child.stop({ tree: true, grace: 500 })
  const ended = child.wait().then(() => performance.now() - start)
  const status = await within(stopping, 'all stop')
  t.deepEqual(family.living(), [])
  t.is(status.signal, 'SIGTERM')
  t.true(performance.now() - start >= 490, 'not before the grace is over')
  t.true((await ended) <= performance.now() - start)
})

test('stop({ tree: true, grace: 0 }) insists at once', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', DEAF_CHILD], { stdio, env: family.env })
  await family.reach(3)
  await within(child.stop({ tree: true, grace: 0 }), 'all stop')
  t.deepEqual(family.living(), [])
})

markedTest(marked('stop({ tree: true }) of a child that has ended stops what it has left'), async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', `${DAEMON}; sleep 1000 & exit 7`], { stdio, env: family.env })
  await child.wait()
  await family.reach(3)
  t.is((await within(child.stop({ tree: true }), 'all stop')).code, 7)
  t.deepEqual(family.living(), [])
})

markedTest(marked('stop({ tree: true }) stops those who are born when it asks'), async (t) => {
  const family = relatives(t)
  const script = `trap '${DAEMON}; exit 5' TERM; echo ready; while :; do sleep 0.01; done`
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], env: family.env })
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  t.is((await within(child.stop({ tree: true }), 'all stop')).code, 5)
  t.deepEqual(family.living(), [])
})

test('stop() looks its options through', async (t) => {
  const child = spawn('sleep', ['1000'], { stdio })
  await t.throwsAsync(child.stop({ tree: 'yes' as never }), { code: 'ERR_INVALID_ARG_VALUE', message: /"tree"/ })
  await child.stop({ tree: true, signal: 'SIGKILL' })
  t.is(child.exitStatus?.signal, 'SIGKILL')
})

test('the timeout of a shell takes all it has started', async (t) => {
  const family = relatives(t)
  const error = await within(
    rejectionOf(run('sleep 1000 & sleep 1000; true', { shell: true, timeout: 500, env: family.env }), TimeoutError),
    'it rejects',
  )
  t.is(error.status.signal, 'SIGTERM')
  t.deepEqual(family.living(), [])
})

test('run() that was stopped rejects when all are gone, also those who had to be killed', async (t) => {
  const family = relatives(t)
  const controller = new AbortController()
  const running = run(DEAF_CHILD, { shell: true, signal: controller.signal, env: family.env })
  await family.reach(3)
  setTimeout(() => controller.abort(), 200)
  await within(rejectionOf(running, AbortError), 'it rejects')
  t.deepEqual(family.living(), [])
})

markedTest(marked('the timeout of a shell that has ended takes what it has left, which holds the pipe'), async (t) => {
  const family = relatives(t)
  const running = run('sleep 1000 &', { shell: true, timeout: 500, env: family.env })
  const error = await within(rejectionOf(running, TimeoutError), 'it rejects')
  t.is(error.status.code, 0)
  t.deepEqual(family.living(), [])
})

test('without killTree the child alone is stopped, also a shell', async (t) => {
  const family = relatives(t)
  const options = { env: family.env, timeout: 500, stdio } as const
  const children = [
    spawn('sleep 1000 & exec sleep 1000', { ...options, shell: true, killTree: false }),
    spawn('sh', ['-c', 'sleep 1000 & exec sleep 1000'], options),
  ]
  for (const child of children) t.is((await within(child.wait(), 'it ends')).signal, 'SIGTERM')
  t.is(family.living().length, 2)
})

test('killTree: true works without a shell', async (t) => {
  const family = relatives(t)
  const script = 'sleep 1000 & exec sleep 1000'
  const child = spawn('sh', ['-c', script], { stdio, env: family.env, killTree: true, timeout: 500 })
  t.is((await within(child.wait(), 'it ends')).signal, 'SIGTERM')
  await t.notThrowsAsync(family.end())
})

test('dispose with killOnDrop takes the tree', async (t) => {
  const family = relatives(t)
  const child = spawn('sleep 1000 & sleep 1000; true', { shell: true, stdio, env: family.env, killOnDrop: true })
  await family.reach(3)
  child[Symbol.dispose]()
  await t.notThrowsAsync(family.end())
})

test('asyncDispose with killOnDrop is done when all are gone', async (t) => {
  const family = relatives(t)
  const child = spawn(DEAF_CHILD, { shell: true, stdio, env: family.env, killOnDrop: true })
  await family.reach(3)
  await within(child[Symbol.asyncDispose](), 'it is disposed of')
  t.deepEqual(family.living(), [])
})

test('the end of the program takes the trees of its children', async (t) => {
  const family = relatives(t)
  const { code, stderr } = await runFixture('exit-with-families.mjs', [], { env: family.env })
  t.is(code, 0, stderr)
  await t.notThrowsAsync(family.end())
})

for (const streamed of [false, true]) {
  test(`too much output ends the tree${streamed ? ', also when the streams were read' : ''}`, async (t) => {
    const family = relatives(t)
    const child = spawn('sleep 1000 & yes', { shell: true, stdin: 'ignore', env: family.env })
    if (streamed) t.truthy(child.stdout)
    await within(rejectionOf(child.output({ maxBuffer: 100_000 }), MaxBufferError), 'it rejects')
    await t.notThrowsAsync(family.end())
  })
}

test('killTree has to be a boolean', (t) => {
  const error = spawnErrorOf(() => spawn('true', { killTree: 1 as never }))
  t.is(error.code, 'ERR_INVALID_ARG_TYPE')
  t.regex(error.message, /"killTree" must be a boolean; received 1/)
})
