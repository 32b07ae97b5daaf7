import test, { type ExecutionContext } from 'ava'

import { fixture, runNode } from '../helpers/fixture.ts'
import { AS_INIT, whyNotInit } from '../helpers/namespace.ts'
import { run } from 'brood'

const TIMEOUT = 110_000

interface Result {
  readonly pid: number
  readonly adopted: number
  readonly expected: number
  readonly missing: string[]
  readonly surplus: string[]
  readonly wrong: string[]
  readonly left: string[]
  readonly ownOrphans: number
  readonly counts: Record<string, number>
}

const NEIGHBOURS = [
  'brood',
  'child_process',
  'child_process, blocked',
  'node-pty',
  'spawnSync',
  'worker',
  'worker, spawnSync',
]

/** Every stranger was reaped once and with its own status, and nobody else has lost or mixed up one. */
const check = (t: ExecutionContext, stdout: string, strangers: number): Result => {
  const result = JSON.parse(stdout) as Result
  t.deepEqual(result.wrong, [], 'every owner got what was his')
  t.deepEqual(
    [result.missing, result.surplus],
    [[], []],
    'every stranger was reported, with its status, and nobody else',
  )
  t.deepEqual([result.expected, result.adopted], [strangers, strangers])
  t.deepEqual(result.left, [], 'no zombie a second after the end')
  // An owner whose status was taken would still be waiting, and the program with him. All the same: each had his turn.
  t.deepEqual(Object.keys(result.counts).toSorted(), NEIGHBOURS)
  t.true(result.ownOrphans > 0, 'orphans of our own went the usual way')
  return result
}

test.serial('1,000 strangers in waves take nothing from anybody, and nobody from them', async (t) => {
  const { stdout } = await runNode([fixture('adopt-neighbours.mjs'), '1000', '100'], { timeout: TIMEOUT })
  check(t, stdout, 1000)
})

test.serial('the same without a grace period', async (t) => {
  // The turn of the event loop and the look at the threads are enough for all of these neighbours.
  const { stdout } = await runNode([fixture('adopt-neighbours.mjs'), '500', '0'], { timeout: TIMEOUT })
  check(t, stdout, 500)
})

const why = whyNotInit()
const asInit = why === undefined ? test.serial : test.serial.skip
asInit(`the same as PID 1${why === undefined ? '' : ` (no PID namespace here: ${why})`}`, async (t) => {
  const [command, ...args] = AS_INIT
  const { stdout } = await run(command, [...args, process.execPath, fixture('adopt-neighbours.mjs'), '500', '100'], {
    timeout: TIMEOUT,
    stderr: 'inherit',
  })
  t.is(check(t, stdout, 500).pid, 1)
})
