import test from 'ava'

import { checkLeaks } from '../helpers/leaks.ts'
import { runProgram } from '../helpers/program.ts'

checkLeaks(test)

/** BROOD_TEST_FLOOD=10000 is what the project promises; a part of it shows most mistakes. */
const isForced = process.env.BROOD_REAPER !== undefined || process.env.BROOD_SPAWN !== undefined
const FLOOD = Number(process.env.BROOD_TEST_FLOOD ?? (isForced ? 500 : 2000))
const AT_ONCE = 500
const CROWD = 1500

for (const [count, atOnce] of [
  [FLOOD, 64],
  [AT_ONCE, AT_ONCE],
] as const) {
  const title = `${count} children, ${atOnce} at a time, get their arguments and environment whole`
  test.serial(`${title} while environ is written, threads allocate and garbage is collected`, async (t) => {
    t.timeout(300_000)
    const { seconds, ...result } = await runProgram<{ seconds: number }>(
      'flood/torn.ts',
      [String(count), String(atOnce)],
      { nodeOptions: ['--expose-gc'], timeout: 300_000 },
    )
    t.log(`${Math.round(count / seconds)} a second`)
    t.deepEqual(result as unknown, { problems: [], writes: 5 * count, orphans: 0 })
  })
}

test.serial(
  `children that end while the event loop is stopped, and ${CROWD} killed at once, are all told of`,
  async (t) => {
    const { zombies, blocked, killed } = await runProgram<{
      zombies: number
      blocked: { ended: number; turns: number }
      killed: { ended: number; turns: number }
    }>('flood/crowd.ts', [String(CROWD)])
    t.is(zombies, 0, 'they are reaped while the event loop is stopped')
    t.is(blocked.ended, 200)
    t.is(killed.ended, CROWD)
    // One call for all that has gathered meanwhile. Those that follow come as fast as the kernel ends them: how many to a
    // turn depends on who is faster, but it is never one by one.
    t.true(blocked.turns <= 3, `200 ends were told in ${blocked.turns} turns of the event loop`)
    t.true(killed.turns <= CROWD / 3, `${CROWD} ends were told in ${killed.turns} turns of the event loop`)
  },
)
