import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { spawn } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { noMarks, relatives, type Relatives } from '../helpers/relatives.ts'
import { until } from '../helpers/until.ts'
import { zombiesOf } from '../helpers/zombies.ts'

checkLeaks(test)

/** How often each is tried; many more by hand. */
const ROUNDS = Number(process.env.BROOD_TEST_ROUNDS ?? 5)

/** Forks until 2^7 of them are there, each waiting for its two children. */
const TREE = 'f() { if [ $1 -gt 0 ]; then f $(($1-1)) & f $(($1-1)) & wait; else exec sleep 1000; fi; }; f 7'
/** Forks 600 times in a row, each in a new process while the one before ends: nobody stays to be found. */
const CHAIN = 'f() { if [ $1 -gt 0 ]; then f $(($1-1)) & else exec sleep 1000; fi; }; f 600; sleep 1000'
/** As many as the limit allows. The shell waits and tries again when there is no room. */
const SHELL_BOMB = ['bash', '-c', ':() { : | : & }; :; exec sleep 1000'] as const
/** The same without a pause. */
const RELENTLESS_BOMB = ['perl', '-e', 'fork while 1'] as const

const stdio = 'ignore'

const killSome = async (family: Relatives, script: string): Promise<number> => {
  const child = spawn('sh', ['-c', script], { stdio, env: family.env })
  await child.spawned
  // In the middle of it, each time in another place.
  await sleep(randomInt(0, 150))
  const signalled = child.killTree('SIGKILL')
  await family.end(1000)
  await child.wait()
  return signalled
}

test.serial('a tree that forks while it is killed', async (t) => {
  for (let round = 0; round < ROUNDS; round++) t.true((await killSome(relatives(t), TREE)) >= 1, `round ${round}`)
})

const without = noMarks()
const chainTest = without === undefined ? test.serial : test.serial.skip
chainTest(
  `a chain of processes that fork and end${without === undefined ? '' : ` (skipped: ${without})`}`,
  async (t) => {
    for (let round = 0; round < ROUNDS; round++) t.true((await killSome(relatives(t), CHAIN)) >= 1, `round ${round}`)
  },
)

const isRoot = process.getuid?.() === 0
for (const [file, ...args] of [SHELL_BOMB, RELENTLESS_BOMB]) {
  const reason = !isRoot
    ? 'only root can give it a user of its own to be counted for'
    : spawnSync(file, ['-e', '']).error !== undefined
      ? `there is no ${file}`
      : without
  const bombTest = reason === undefined ? test.serial : test.serial.skip
  bombTest(
    `a fork bomb in ${file} under rlimits.nproc${reason === undefined ? '' : ` (skipped: ${reason})`}`,
    async (t) => {
      for (let round = 0; round < ROUNDS; round++) {
        const family = relatives(t)
        // A user of its own each time: nobody else's processes count, and the dead of the last round are not waited for.
        const uid = 600_000 + randomInt(1e6)
        const child = spawn(file, args, { stdio, env: family.env, uid, gid: uid, rlimits: { nproc: 60 } })
        await family.reach(30)
        await sleep(randomInt(0, 50))
        t.true(child.killTree('SIGKILL') >= 30, `round ${round}`)
        await family.end(1000)
        await child.wait()
      }
    },
  )
}

test.serial('a thousand that end and are reaped while they are killed', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'while :; do true & /bin/true & sleep 0.001 & done'], { stdio, env: family.env })
  await family.reach(3)
  t.true(child.killTree('SIGKILL') >= 1)
  await family.end(1000)
  await child.wait()
  await until(() => zombiesOf().length === 0, 'no zombie is left to us')
})
