import { spawn as nodeSpawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import { orphanQueue, spawn } from 'brood'

import { fixture, runFixture } from '../helpers/fixture.ts'
import { killAtEnd } from '../helpers/grandchild.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until, within } from '../helpers/until.ts'
import { isAlive, isGone } from '../helpers/zombies.ts'

checkLeaks(test)

for (const [how, code] of [
  ['process.exit', 5],
  ['throw', 1],
  ['reject', 1],
  ['natural', 0],
] as const) {
  test(`the end of the program (${how}) kills a child with killOnDrop, and no other`, async (t) => {
    const ended = await runFixture('kill-on-drop.mjs', ['main', how])
    t.is(ended.code, code)
    const [dropped, kept] = JSON.parse(ended.stdout) as [number, number]
    killAtEnd(t, kept)
    killAtEnd(t, dropped)
    await until(() => !isAlive(dropped), 'the one with killOnDrop is gone')
    t.true(isAlive(kept))
  })
}

for (const how of ['process.exit', 'throw', 'reject', 'natural', 'terminate'] as const) {
  test(`the end of a worker (${how}) kills a child with killOnDrop, and no other; neither stays a zombie`, async (t) => {
    const program = nodeSpawn(process.execPath, [fixture('kill-on-drop.mjs'), 'worker', how], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [line] = (await once(program.stdout, 'data')) as [Buffer]
    const [dropped, kept] = JSON.parse(String(line)) as [number, number]
    killAtEnd(t, kept)
    await until(() => isGone(dropped), 'the one with killOnDrop is gone and reaped')
    t.true(isAlive(kept))
    process.kill(kept, 'SIGKILL')
    await until(() => isGone(kept), 'the other one is reaped when it ends')
    program.stdin.end('go\n')
    const [code] = (await within(once(program, 'close'), 'the program ends')) as [number]
    t.is(code, 0)
  })
}

test('dispose kills with killOnDrop', async (t) => {
  const child = spawn('sleep', ['1000'], { killOnDrop: true })
  child[Symbol.dispose]()
  await until(() => isGone(child.pid), 'it is killed and reaped')
  t.is(child.exitStatus, null)
})

test('dispose without killOnDrop lets it run', async (t) => {
  const child = spawn('sleep', ['1000'])
  child[Symbol.dispose]()
  t.true(isAlive(child.pid))
  process.kill(child.pid, 'SIGTERM')
  await until(() => isGone(child.pid), 'the orphan queue reaps it')
})

test('orphan() with killOnDrop does not kill: the handle was given up on purpose', async (t) => {
  const child = spawn('sleep', ['1000'], { killOnDrop: true })
  child.orphan()
  t.true(isAlive(child.pid))
  t.true(orphanQueue.size > 0)
  process.kill(child.pid, 'SIGKILL')
  await until(() => isGone(child.pid), 'the orphan queue reaps it')
})

test('killOnDrop: a child whose handle is in use is not killed by a garbage collection', async (t) => {
  const pids = Array.from({ length: 5 }, () => spawn('sleep', ['1000'], { killOnDrop: true, stdio: 'ignore' }).pid)
  for (let count = 0; count < 3; count++) {
    globalThis.gc!()
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const pid of pids) {
    t.true(isAlive(pid))
    process.kill(pid, 'SIGKILL')
  }
})
