import { constants } from 'node:os'
import { inspect } from 'node:util'
import test from 'ava'
import { AbortError, ExitError, MaxBufferError, run, spawn, SpawnError, TimeoutError, WaitError } from 'brood'

import { errnoName, SPAWN_STEPS, spawnErrorFromErrno } from '../src/errors.ts'
import { checkLeaks } from './helpers/leaks.ts'
import { rejectionOf, spawnErrorOf } from './helpers/thrown.ts'

checkLeaks(test)

const samples: [make: () => Promise<Error>, name: string, errorClass: typeof Error, fields: string[]][] = [
  [
    async () => spawnErrorOf(() => spawn('/no/such/program')),
    'SpawnError',
    SpawnError as never,
    ['code', 'errno', 'path', 'spawnargs', 'step', 'syscall'],
  ],
  [() => rejectionOf(run('false'), ExitError), 'ExitError', ExitError as never, ['status', 'stderr', 'stdout']],
  [
    () => rejectionOf(run('yes', { maxBuffer: 1 }), MaxBufferError),
    'MaxBufferError',
    MaxBufferError as never,
    ['code', 'status', 'stderr', 'stdout'],
  ],
  [
    () => rejectionOf(run('sleep', ['1000'], { timeout: 1 }), TimeoutError),
    'TimeoutError',
    TimeoutError as never,
    ['code', 'status', 'stderr', 'stdout'],
  ],
  [
    () => rejectionOf(run('true', { signal: AbortSignal.abort() }), AbortError),
    'AbortError',
    AbortError as never,
    ['code'],
  ],
  [
    async () => {
      const child = spawn('true')
      child.orphan()
      return rejectionOf(child.wait(), WaitError)
    },
    'WaitError',
    WaitError as never,
    ['code', 'pid'],
  ],
]
for (const [make, name, errorClass, fields] of samples) {
  test(`${name} is an Error of that name, with these fields of its own`, async (t) => {
    const error = await make()
    t.true(error instanceof Error)
    t.true(error instanceof errorClass)
    t.is(error.name, name)
    t.is(Object.prototype.toString.call(error), '[object Error]')
    t.deepEqual(Object.keys(error).toSorted(), fields)
    t.true(error.stack!.startsWith(`${name}: ${error.message}`))
    t.true(inspect(error).includes(error.message))
    t.false(error.message.includes('undefined'))
  })
}

test('an AbortError has the reason of the signal as its cause', async (t) => {
  const reason = { why: 'any value' }
  t.is((await rejectionOf(run('true', { signal: AbortSignal.abort(reason) }), AbortError)).cause, reason)
})

test('errno is negative and goes with code, as in Node', (t) => {
  const error = spawnErrorOf(() => spawn('/no/such/program'))
  t.is(error.errno, -constants.errno.ENOENT)
  t.is(error.code, 'ENOENT')
})

test('errors are called as the man pages call them', (t) => {
  for (const name of [
    'ENOENT',
    'EACCES',
    'EAGAIN',
    'EMFILE',
    'E2BIG',
    'ENOEXEC',
    'EPERM',
    'ESRCH',
    'ECHILD',
  ] as const) {
    t.is(errnoName(constants.errno[name]), name)
  }
  t.is(errnoName(99_999), 'errno 99999')
})

const message = (step: (typeof SPAWN_STEPS)[number], errno: number, syscall?: string, path?: string): string => {
  const failure = { step: SPAWN_STEPS.indexOf(step), errno, ...(syscall && { syscall }), ...(path && { path }) }
  return spawnErrorFromErrno('tool', ['-x'], failure).message
}

test('messages say what to do', (t) => {
  const { ENOENT, EACCES, ENOEXEC, E2BIG, EMFILE, ENFILE, EAGAIN, EBADF, EPERM } = constants.errno
  t.regex(message('exec', ENOENT), /^spawn tool ENOENT: no such file or directory; .*installed.*PATH/)
  t.regex(message('exec', EACCES), /chmod \+x/)
  t.regex(message('exec', ENOEXEC), /^spawn tool ENOEXEC: exec format error; .*#!/)
  t.regex(message('exec', E2BIG), /stdin or by a file/)
  t.regex(message('pipe', EMFILE, 'pipe2'), /^spawn tool: pipe2 EMFILE: .*ulimit -n/)
  t.regex(message('pipe', ENFILE, 'pipe2'), /ulimit -n/)
  t.regex(message('clone', EAGAIN, 'clone3'), /^spawn tool: clone3 EAGAIN: .*ulimit -u/)
  t.regex(message('setup', EBADF, 'fcntl'), /"stdio" is not open/)
  t.regex(message('chdir', ENOENT, 'chdir', '/gone'), /^spawn tool: chdir ENOENT: .*"\/gone" \(option "cwd"\)/)
  t.is(message('setup', EPERM, 'setresuid'), 'spawn tool: setresuid EPERM: operation not permitted')
})

test('a long command is shortened in messages, and quoted where it needs to be', async (t) => {
  const long = await rejectionOf(
    run(
      'false',
      Array.from({ length: 1000 }, () => 'argument'),
    ),
    ExitError,
  )
  t.true(long.message.length < 300, long.message)
  t.regex(long.message, /…$/)
  t.is(
    (await rejectionOf(run('false', ['two words', '']), ExitError)).message,
    'Failed with exit code 1: false "two words" ""',
  )
})

test('a long stderr is shortened in the message, and whole in the error', async (t) => {
  const error = await rejectionOf(run('sh', ['-c', 'seq 1 10000 >&2; exit 1']), ExitError)
  t.true(error.message.length < 2500)
  t.true(error.message.endsWith('\n9999\n10000'))
  t.true((error.stderr as string).startsWith('1\n2\n3\n'))
})
