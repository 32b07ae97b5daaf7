import { execFile } from 'node:child_process'

import test from 'ava'

import { fixture, type Ended } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'

checkLeaks(test)

const DESCRIPTORS = 64
const PROCESSES = 60
/** A user that nobody else is: his processes are counted. */
const USER = 54_321

/** Runs a program behind shell words such as `ulimit -n 64`. */
const runLimited = (limits: string, args: readonly string[], options: { uid?: number; gid?: number } = {}) =>
  new Promise<Ended>((resolve) => {
    const script = `${limits}; exec "$0" "$@"`
    const child = execFile(
      'bash',
      ['-c', script, process.execPath, ...args],
      { ...options, timeout: 100_000, killSignal: 'SIGKILL' },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
    )
  })

const read = <T>(ended: Ended): T => {
  if (ended.code !== 0 || ended.stderr !== '') throw new Error(JSON.stringify(ended))
  return JSON.parse(ended.stdout) as T
}

test.serial(
  'with 0 to 12 free descriptors all works or fails with EMFILE, and works again when there is room',
  async (t) => {
    t.timeout(110_000)
    const program = ['--import', '@oxc-node/core/register', fixture('exhaustion/descriptors.ts')]
    const { problems, outcomes } = read<{ problems: string[]; outcomes: Record<string, string[]> }>(
      await runLimited(`ulimit -n ${DESCRIPTORS}`, program),
    )
    t.deepEqual(problems, [])
    for (const [name, results] of Object.entries(outcomes)) {
      t.is(results.length, 13, name)
      t.is(results.at(-1), 'success', name)
      // More room is never worse.
      const firstSuccess = results.indexOf('success')
      t.true(
        results.slice(firstSuccess).every((result) => result === 'success'),
        `${name}: ${results}`,
      )
    }
    // Three pipes have no room in five descriptors: had they had it, the limit would not have been in force.
    t.is(outcomes['spawn piped']?.indexOf('success'), 6)
  },
)

test.serial(
  'loaded without room for its driver, it says so at the first spawn, and works when there is room',
  async (t) => {
    const { results, stdout } = read<{ results: unknown[]; stdout: string }>(
      await runLimited(`ulimit -n ${DESCRIPTORS}`, [fixture('exhaustion/late-start.mjs')]),
    )
    const refusal = { isSpawnError: true, code: 'EMFILE', path: 'true' }
    t.like(results[0], refusal)
    t.like(results[1], refusal)
    t.deepEqual(results.slice(2), [0, 0])
    t.is(stdout, 'room again\n')
  },
)

const isRoot = process.getuid?.() === 0
const checkAsRoot = isRoot ? test.serial : test.serial.skip
const why = isRoot ? '' : ' (skipped: only root can become another user)'

checkAsRoot(
  `out of processes, a spawn fails with EAGAIN, and the next one works when there is room${why}`,
  async (t) => {
    const result = read<{ count: number }>(
      await runLimited(`ulimit -u ${PROCESSES}`, [fixture('exhaustion/processes.mjs')], { uid: USER, gid: USER }),
    )
    const refusal = { isSpawnError: true, code: 'EAGAIN', step: 'clone' }
    t.true(result.count > 10 && result.count < PROCESSES, `${result.count} processes`)
    t.deepEqual(result as unknown, {
      refusal: { ...refusal, spawnargs: ['60'] },
      ofRun: { ...refusal, spawnargs: [] },
      leaked: 0,
      signal: 'SIGKILL',
      stdout: 'room again\n',
      signals: ['SIGKILL'],
      left: '',
      orphans: 0,
      count: result.count,
    })
  },
)
