import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'

import { reportOf, runBrood, startBrood } from '../helpers/command.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

checkLeaks(test)

for (const [script, code] of [
  ['exit 0', 0],
  ['exit 1', 1],
  ['exit 255', 255],
  ['kill -TERM $$', 143],
  ['kill -KILL $$', 137],
  ['kill -HUP $$', 129],
] as const) {
  test(`the status of \`${script}\` is ${code}`, async (t) => {
    t.is((await runBrood(['run', '--', 'sh', '-c', script])).code, code)
  })
}

/** What a script's status becomes where 143 and 7 are expected. */
const codeOf = async (script: string): Promise<number | null> =>
  (await runBrood(['run', '-e', '143', '--expect=7', '--', 'sh', '-c', script])).code

test('--expect: a status that is as good as 0 becomes 0', async (t) => {
  t.is(await codeOf('exit 7'), 0)
  t.is(await codeOf('kill -TERM $$'), 0)
  t.is(await codeOf('exit 8'), 8)
})

test('a command that is not found is 127, and the message says which', async (t) => {
  const { code, stdout, stderr } = await runBrood(['run', '--', 'no-such-command-anywhere'])
  t.deepEqual([code, stdout], [127, ''])
  t.regex(stderr, /^brood run: .*no-such-command-anywhere/)
})

test('a path that is not there is 127, one that is no program 126', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'file')
  writeFileSync(file, 'text')
  t.is((await runBrood(['run', '--', join(directory, 'nothing')])).code, 127)
  t.is((await runBrood(['run', '--', join(file, 'nothing')])).code, 127)
  t.is((await runBrood(['run', '--', file])).code, 126, 'not executable')
  t.is((await runBrood(['run', '--', directory])).code, 126, 'a directory')
  chmodSync(file, 0o755)
  t.is((await runBrood(['run', '--', file])).code, 126, 'no format that the kernel knows')
  writeFileSync(file, '#!/no/such/interpreter\n')
  t.is((await runBrood(['run', '--', file])).code, 127, 'its interpreter is not there')
})

for (const [name, args, message] of [
  ['no command', [], 'there is no command'],
  ['no command behind --', ['--'], 'there is no command'],
  ['an unknown option', ['--bogus', '--', 'true'], '--bogus'],
  ['a time that is none', ['--grace', 'soon', '--', 'true'], '--grace must be a time'],
  ['a negative time', ['--timeout=-1', '--', 'true'], '--timeout must be a time'],
  ['an option without its value', ['--timeout', '--', 'true'], '--timeout'],
  ['a signal that is none', ['--parent-death', 'NONSENSE', '--', 'true'], '"NONSENSE" is no signal'],
  ['half a signal map', ['--signal-map', 'TERM', '--', 'true'], '--signal-map must be like TERM=INT'],
  ['an exit code that is none', ['-e', '256', '--', 'true'], '--expect must be an exit code'],
  ['a signal map without signals', ['--signal-map', 'A=B', '--', 'true'], '"A" is no signal'],
] as const) {
  test(`${name} is 125, and says so`, async (t) => {
    const { code, stdout, stderr } = await runBrood(['run', ...args])
    t.deepEqual([code, stdout], [125, ''])
    t.true(stderr.startsWith('brood run: '), stderr)
    t.true(stderr.includes(message), stderr)
    t.true(stderr.includes('brood run --help'), stderr)
  })
}

/** What a command told to echo has echoed. */
const echo = async (...args: string[]): Promise<string> => (await runBrood(['run', ...args])).stdout

test('options end with -- or with the first word that is none of ours', async (t) => {
  t.is(await echo('--', 'echo', '--grace', '--', '-g'), '--grace -- -g\n')
  t.is(await echo('echo', '--help', '--', '-x'), '--help -- -x\n')
  t.is(await echo('--grace', '1', 'echo', '--report'), '--report\n')
  t.is(await echo('--grace=1', '-g', 'echo', '-g'), '-g\n')
})

test('--help shows every option, and runs nothing', async (t) => {
  for (const args of [['--help'], ['-h'], ['--help', '--', 'false']]) {
    const { code, stdout, stderr } = await runBrood(['run', ...args])
    t.deepEqual([code, stderr], [0, ''])
    for (const option of [
      'group',
      'signal-map',
      'timeout',
      'grace',
      'leave-orphans',
      'expect',
      'parent-death',
      'report',
    ]) {
      t.true(stdout.includes(`--${option}`), option)
    }
  }
})

test('stdin, stdout and stderr are the command’s as they are', async (t) => {
  const script = 'cat; echo error >&2; readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2'
  const { child, ended } = startBrood(['run', '--', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin!.end('input\n')
  const { code, stdout, stderr } = await ended
  t.deepEqual([code, stderr], [0, 'error\n'])
  t.is(stdout.split('\n')[0], 'input')
})

test('--timeout: SIGTERM, 124, and SIGKILL for one that does not care', async (t) => {
  const polite = await runBrood(['run', '--timeout', '300ms', '--report', '--', 'sleep', '1000'])
  t.is(polite.code, 124)
  t.like(reportOf(polite), { timedOut: true, signal: 'SIGTERM', exitCode: 124 })
  const deaf = await runBrood([
    'run',
    '--timeout',
    '0.3',
    '--grace',
    '200ms',
    '--report',
    '--',
    'sh',
    '-c',
    'trap "" TERM; while :; do sleep 0.05; done',
  ])
  t.is(deaf.code, 124)
  t.like(reportOf(deaf), { timedOut: true, signal: 'SIGKILL' })
  t.true((reportOf(deaf)['duration'] as number) >= 450, String(reportOf(deaf)['duration']))
})

test('--timeout stops a command that is stopped', async (t) => {
  const result = await runBrood(['run', '--timeout', '300ms', '--report', '--', 'sh', '-c', 'kill -STOP $$'])
  t.is(result.code, 124)
  t.like(reportOf(result), { signal: 'SIGTERM' })
})

test('a command that ends in time is not disturbed by --timeout', async (t) => {
  const { code, stderr } = await runBrood(['run', '--timeout', '1h', '--', 'sh', '-c', 'exit 3'])
  t.deepEqual([code, stderr], [3, ''])
})

test('--report writes one line of JSON behind everything else', async (t) => {
  const result = await runBrood(['run', '--report', '--', 'sh', '-c', 'echo out; echo err >&2; sleep 0.1; exit 3'])
  t.deepEqual([result.code, result.stdout], [3, 'out\n'])
  const [first, second, ...rest] = result.stderr.trimEnd().split('\n')
  t.deepEqual([first, rest], ['err', []])
  const report = JSON.parse(second!) as Record<string, unknown>
  t.like(report, {
    exitCode: 3,
    code: 3,
    signal: null,
    coreDumped: false,
    timedOut: false,
    orphansReaped: 0,
    leftovers: { terminated: 0, killed: 0 },
  })
  t.deepEqual((report['command'] as string[]).slice(0, 2), ['sh', '-c'])
  t.true((report['duration'] as number) >= 100 && (report['duration'] as number) < 60_000)
  t.true((report['usage'] as { minorPageFault: number }).minorPageFault > 0)
})

test('--report tells of a command that could not be started', async (t) => {
  const result = await runBrood(['run', '--report', '--', 'no-such-command-anywhere'])
  t.is(result.code, 127)
  t.like(reportOf(result), { exitCode: 127, code: null, signal: null, pid: null, usage: null })
})
