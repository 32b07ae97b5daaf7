// Regressions about children that are given up at an unlucky moment.
import test from 'ava'
import { orphanQueue, spawn } from 'brood'

import { runNode } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until } from '../helpers/until.ts'
import { isGone } from '../helpers/zombies.ts'

checkLeaks(test)

/** Looks without letting the event loop turn: nothing that the driver has to tell is heard meanwhile. */
const waitBlocked = (look: () => boolean): void => {
  const end = performance.now() + 20_000
  while (!look()) if (performance.now() > end) throw new Error('not in 20 s')
}

const giveUp = {
  'orphan()': (child: ReturnType<typeof spawn>) => child.orphan(),
  dispose: (child: ReturnType<typeof spawn>) => child[Symbol.dispose](),
}

for (const [how, act] of Object.entries(giveUp)) {
  test.serial(`a child that was reaped, but not told of, before ${how} is told of as an orphan`, async (t) => {
    const reaped: number[] = []
    const onReap = ({ pid, status }: { pid: number; status: { code: number | null } }): void => {
      if (status.code === 3) reaped.push(pid)
    }
    orphanQueue.on('reap', onReap)
    const child = spawn('sh', ['-c', 'exit 3'], { stdio: 'ignore' })
    waitBlocked(() => isGone(child.pid))
    act(child)
    await until(() => reaped.length > 0, 'the orphan was told of').catch(() => {})
    orphanQueue.off('reap', onReap)
    t.deepEqual(reaped, [child.pid])
  })

  test.serial(`a child whose end is being told when ${how} comes is told of as an orphan`, async (t) => {
    const reaped: number[] = []
    const first = spawn('true', { stdio: 'ignore' })
    const second = spawn('sleep', ['60'], { stdio: 'ignore' })
    const onReap = ({ pid }: { pid: number }): void => {
      reaped.push(pid)
      // The end of the other one is in the same batch, behind it.
      if (pid === first.pid) act(second)
    }
    orphanQueue.on('reap', onReap)
    first.orphan()
    waitBlocked(() => isGone(first.pid))
    second.kill('SIGKILL')
    waitBlocked(() => isGone(second.pid))
    await until(() => reaped.length > 1, 'both were told of').catch(() => {})
    orphanQueue.off('reap', onReap)
    t.deepEqual(reaped, [first.pid, second.pid])
  })

  test(`output() of a child given up by ${how} does not hold the event loop open`, async (t) => {
    const program = `
      import { spawn } from 'brood'
      const child = spawn('sleep', ['2'])
      child.output().catch((error) => console.log(error.code))
      ${how === 'dispose' ? 'child[Symbol.dispose]()' : 'child.orphan()'}`
    const started = performance.now()
    const ended = await runNode(['--input-type=module', '-e', program], { timeout: 20_000 })
    t.like(ended, { code: 0, signal: null, stdout: 'ERR_CHILD_ORPHANED\n', stderr: '' })
    t.true(performance.now() - started < 2000, 'the program did not wait for its child')
  })
}
