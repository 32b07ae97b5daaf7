import test from 'ava'

import { reportOf, runBrood, startBrood } from '../helpers/command.ts'
import { killAtEnd } from '../helpers/grandchild.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until } from '../helpers/until.ts'
import { isAlive, isGone, processEntry, zombiesOf } from '../helpers/zombies.ts'

checkLeaks(test)

/** A shell command that leaves such a process behind, and prints its pid. Twice removed: its parent has ended. */
const leave = (command: string): string => `(${command}) >/dev/null 2>&1 & echo $!`

const pidsIn = (stdout: string): number[] => stdout.trim().split('\n').map(Number)

test('what the command leaves behind is asked to end', async (t) => {
  const script = `${leave('exec sleep 1000')}; ${leave('exec setsid sleep 1000')}; exit 4`
  const result = await runBrood(['run', '--report', '--', 'sh', '-c', script])
  t.is(result.code, 4)
  t.like(reportOf(result), { orphansReaped: 2, leftovers: { terminated: 2, killed: 0 } })
  const pids = pidsIn(result.stdout)
  t.is(pids.length, 2)
  t.true(pids.every(isGone))
})

test('what does not care is killed after the grace time', async (t) => {
  const script = `${leave('trap "" TERM; while :; do sleep 0.05; done')}; sleep 0.2; exit 4`
  const start = performance.now()
  const result = await runBrood(['run', '--grace', '600ms', '--report', '--', 'sh', '-c', script])
  t.is(result.code, 4)
  t.true(performance.now() - start >= 600)
  t.true(reportOf(result).leftovers['killed']! >= 1)
  t.true(pidsIn(result.stdout).every(isGone))
})

test('what the leftovers leave behind has its turn, too', async (t) => {
  // A parent and a child of its own, neither of which cares: the child falls to brood when the parent is killed.
  const deaf = 'trap "" TERM; while :; do sleep 0.05; done'
  const script = `${leave(`trap "" TERM; (${deaf}) & ${deaf}`)}; sleep 0.3`
  const result = await runBrood(['run', '--grace', '0', '--report', '--', 'sh', '-c', script])
  t.is(result.code, 0)
  t.true(reportOf(result).leftovers['killed']! >= 2, result.stderr)
})

test('a leftover that is stopped is woken up to end', async (t) => {
  const script = `${leave('kill -STOP $(exec sh -c "echo \\$PPID"); exec sleep 1000')}; sleep 0.3`
  const result = await runBrood(['run', '--report', '--', 'sh', '-c', script])
  t.like(reportOf(result), { leftovers: { terminated: 1, killed: 0 } })
})

test('--leave-orphans leaves them, and still reaps those that have ended', async (t) => {
  const script = `${leave('exec sleep 1000')}; ${leave('exec sleep 0.05')}; sleep 0.4`
  const result = await runBrood(['run', '--leave-orphans', '--report', '--', 'sh', '-c', script])
  const [alive, gone] = pidsIn(result.stdout) as [number, number]
  killAtEnd(t, alive)
  t.true(isAlive(alive))
  t.true(isGone(gone))
  // The shell that outlives its children sees the second one off itself, or leaves it to brood.
  t.like(reportOf(result), { leftovers: { terminated: 0, killed: 0 } })
})

test('orphans are reaped while the command runs', async (t) => {
  const script = `( (sleep 0.1) >/dev/null 2>&1 & echo $! ); ( (sleep 0.1) >/dev/null 2>&1 & echo $! ); echo ready; exec sleep 1000`
  const { pid, child, saw, output, ended } = startBrood(['run', '--report', '--', 'sh', '-c', script])
  await saw(/ready/)
  const pids = output().match(/\d+/g)!.map(Number)
  await until(() => pids.every(isGone), 'they are reaped')
  t.deepEqual(zombiesOf(pid), [])
  child.kill('SIGTERM')
  const result = await ended
  t.is(result.code, 143)
  t.like(reportOf(result), { orphansReaped: 2 })
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a second ${signal} during the grace time kills at once`, async (t) => {
    const script = `${leave('trap "" TERM INT; while :; do sleep 0.05; done')}; trap "exit 5" TERM INT; echo ready; while :; do sleep 0.01; done`
    const { pid, child, saw, output, ended } = startBrood([
      'run',
      '--grace',
      '1h',
      '--report',
      '--',
      'sh',
      '-c',
      script,
    ])
    await saw(/ready/)
    const left = Number(output().match(/\d+/)![0])
    child.kill(signal)
    await until(() => processEntry(left)?.ppid === pid, 'the command has ended')
    t.true(isAlive(left))
    t.true(isAlive(pid), 'the grace time goes on')
    child.kill(signal)
    const result = await ended
    t.is(result.code, 5)
    t.true(reportOf(result).leftovers['killed']! >= 1)
    t.true(isGone(left))
  })
}

test('a signal while the time of --timeout is over and the grace time is not kills at once', async (t) => {
  const script = 'trap "echo asked" TERM; echo ready; while :; do sleep 0.01; done'
  const { child, saw, ended } = startBrood([
    'run',
    '--timeout',
    '0.5',
    '--grace',
    '1h',
    '--report',
    '--',
    'sh',
    '-c',
    script,
  ])
  await saw(/asked/)
  child.kill('SIGINT')
  const result = await ended
  t.is(result.code, 124)
  t.like(reportOf(result), { signal: 'SIGKILL', timedOut: true })
})
