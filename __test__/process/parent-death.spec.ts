import { spawn as nodeSpawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { spawn, type Signal } from 'brood'

import { fixture } from '../helpers/fixture.ts'
import { killAtEnd } from '../helpers/grandchild.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until } from '../helpers/until.ts'
import { isAlive } from '../helpers/zombies.ts'

checkLeaks(test)

/** A program that has started a child, and the pid of that one. */
const parentOf = async (where: 'main' | 'worker', signal: Signal): Promise<[parent: ChildProcess, pid: number]> => {
  const parent = nodeSpawn(process.execPath, [fixture('parent-death.mjs'), where, signal], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer]
  return [parent, Number(String(line))]
}

for (const where of ['main', 'worker'] as const) {
  const made = where === 'main' ? 'by the main thread' : 'by a worker that has ended'
  test(`a child made ${made} gets its signal when the process dies, and not before`, async (t) => {
    const [parent, pid] = await parentOf(where, 'SIGKILL')
    killAtEnd(t, pid)
    // A worker that ends takes a thread along, and a signal that belongs to that thread would come now.
    await sleep(200)
    t.true(isAlive(pid), 'its parent lives')
    parent.stdin!.write('die\n')
    const [, signal] = (await once(parent, 'close')) as [null, string]
    t.is(signal, 'SIGKILL')
    await until(() => !isAlive(pid), 'the child has got its signal')
  })
}

test('the signal is the one that was asked for', async (t) => {
  const [parent, pid] = await parentOf('main', 'SIGHUP')
  killAtEnd(t, pid)
  parent.stdin!.write('die\n')
  await once(parent, 'close')
  await until(() => !isAlive(pid), 'the child has got its signal')
  t.pass()
})

test('without it a child outlives the process', async (t) => {
  const script = `import('brood').then(({ spawn }) => {
    console.log(spawn('sleep', ['1000'], { stdio: 'ignore' }).pid)
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)
  })`
  const parent = spawn(process.execPath, ['-e', script])
  const { stdout, status } = await parent.output()
  const pid = Number(stdout)
  killAtEnd(t, pid)
  t.is(status.signal, 'SIGKILL')
  t.true(isAlive(pid))
})

test('a child with a death signal lives and ends as any other', async (t) => {
  const child = spawn('sh', ['-c', 'exit 3'], { parentDeathSignal: 'SIGKILL' })
  t.is((await child.wait()).code, 3)
})
