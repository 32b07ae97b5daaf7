import test from 'ava'

import { runFixture, type Ended } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until } from '../helpers/until.ts'
import { isAlive } from '../helpers/zombies.ts'

checkLeaks(test)

const isForced = process.env.BROOD_REAPER !== undefined || process.env.BROOD_SPAWN !== undefined
const TIMES = Number(process.env.BROOD_TEST_EXITS ?? (isForced ? 10 : 50))
const AT_ONCE = 4

interface Children {
  readonly left: number[]
  readonly killed: number[]
}

/** Plays the scene once, looks at what became of its children, and ends those that lived on. */
const play = async (how: string, where: string, delay = 0): Promise<Ended & { problems: string[] }> => {
  const env = { ...process.env, BROOD_TEST_DELAY: String(delay) }
  const ended = await runFixture('exit/scene.mjs', [how, where], { env, timeout: 20_000 })
  const { left, killed } = JSON.parse(ended.stdout.split('\n')[0]!) as Children
  const problems = left.filter((pid) => !isAlive(pid)).map((pid) => `${pid} was to live on`)
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Said above.
    }
  }
  // Whoever adopts them may take his time to reap them: dead is dead.
  await until(() => !killed.some(isAlive), 'gone', 5000).catch(() => {
    problems.push(...killed.filter(isAlive).map((pid) => `${pid} was to be killed`))
    for (const pid of killed.filter(isAlive)) process.kill(pid, 'SIGKILL')
  })
  return { ...ended, problems }
}

const codes = {
  'process.exit': 42,
  'process.exit in an exit listener': 42,
  'an uncaught exception': 1,
  'an unhandled rejection': 1,
  'its natural end': 0,
}

for (const [how, code] of Object.entries(codes)) {
  test(`the main thread ends by ${how} while children run and are read`, async (t) => {
    const ended = await play(how, 'main')
    t.like(ended, { code, signal: null, problems: [] }, ended.stderr)
  })

  test(`a worker ends by ${how} while children run and are read`, async (t) => {
    const ended = await play(how, 'worker')
    t.like(ended, { code: 0, signal: null, problems: [] }, ended.stderr)
    t.regex(ended.stdout, new RegExp(`^worker ended with ${code}$`, 'm'))
  })
}

for (const how of ['process.exit', 'an uncaught exception'] as const) {
  test(`the main thread ends by ${how} while children of a worker run and are read`, async (t) => {
    const ended = await play(how, 'beside')
    t.like(ended, { code: codes[how], signal: null, problems: [] }, ended.stderr)
  })
}

for (const where of ['main', 'worker', 'beside']) {
  test.serial(`process.exit() (${where}), ${TIMES} times in a row, at different moments`, async (t) => {
    t.timeout(120_000)
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < TIMES) {
        const index = next++
        const { code, signal, problems, stderr } = await play('process.exit', where, index % 25)
        t.deepEqual([code, signal, problems], [where === 'worker' ? 0 : 42, null, []], `time ${index}: ${stderr}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
  })
}

test('an exit listener that spawns a child to be killed has it killed', async (t) => {
  const ended = await runFixture('exit/spawn-in-listener.mjs')
  const pid = Number(ended.stdout)
  t.like(ended, { code: 3, signal: null, stderr: '' })
  t.true(pid > 0)
  await until(() => !isAlive(pid), 'gone', 5000).catch(() => {
    process.kill(pid, 'SIGKILL')
    t.fail('it lives on')
  })
})
