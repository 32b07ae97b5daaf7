import test from 'ava'

import { BROOD, reportOf, start, type Running } from '../helpers/command.ts'
import { fixture } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { AS_INIT, whyNotInit } from '../helpers/namespace.ts'
import { until } from '../helpers/until.ts'
import { childrenOf } from '../helpers/zombies.ts'

checkLeaks(test)

const why = whyNotInit()
const inside = why === undefined ? test : test.skip
const title = (text: string): string => `as PID 1 ${text}${why === undefined ? '' : ` (no PID namespace here: ${why})`}`

/** Starts brood as PID 1 of a namespace. */
const startInit = (args: readonly string[]): Running =>
  start([...AS_INIT, process.execPath, BROOD, 'run', '--report', ...args])

/** The pid that brood has outside of its namespace. */
const outsideOf = ({ pid }: Running): Promise<number> => until(() => childrenOf(pid)[0]?.pid, 'brood')

inside(title('it is PID 1, and passes the status on'), async (t) => {
  const running = startInit(['--', 'sh', '-c', 'echo $PPID; exit 9'])
  const result = await running.ended
  t.deepEqual([result.code, result.stdout], [9, '1\n'])
})

inside(title('a command that a signal ended is 128 and the signal'), async (t) => {
  t.is((await startInit(['--', 'sh', '-c', 'kill -SEGV $$']).ended).code, 139)
})

inside(title('it passes signals on that the kernel keeps from a PID 1 without handlers'), async (t) => {
  const running = startInit(['--', process.execPath, fixture('tell-signals.mjs')])
  await running.saw(/ready/)
  const pid = await outsideOf(running)
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) {
    process.kill(pid, signal)
    await running.saw(new RegExp(`got ${signal}`))
  }
  process.kill(pid, 'SIGTERM')
  t.is((await running.ended).code, 15)
})

inside(title('it reaps what falls to it, however deep it came from'), async (t) => {
  const script = `i=0; while [ $i -lt 20 ]; do ( ( (sleep 0.05) >/dev/null 2>&1 & ) ); i=$((i + 1)); done
    until [ "$(cat /proc/1/task/1/children | wc -w)" = 1 ]; do sleep 0.02; done; echo alone`
  const result = await startInit(['--', 'sh', '-c', script]).ended
  t.deepEqual([result.code, result.stdout], [0, 'alone\n'])
  // The shell between it and the sleep falls to brood, and so does the sleep of one that was quicker.
  t.true((reportOf(result)['orphansReaped'] as number) >= 20, result.stderr)
})

inside(title('it stops what the command leaves behind'), async (t) => {
  const deaf = 'trap "" TERM; while :; do sleep 0.05; done'
  const script = `(exec setsid sleep 1000) >/dev/null 2>&1 & (${deaf}) >/dev/null 2>&1 & sleep 0.2; exit 6`
  const result = await startInit(['--grace', '300ms', '--', 'sh', '-c', script]).ended
  t.is(result.code, 6)
  const { terminated, killed } = reportOf(result).leftovers
  t.true(terminated! >= 2 && killed! >= 1, result.stderr)
})
