import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Child, SpawnError, spawn, type SpawnStep } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { rejectionOf, spawnErrorOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'
import { isAlive, processEntry } from '../helpers/zombies.ts'

checkLeaks(test)

test('spawn(file)', async (t) => {
  const child = spawn('true')
  t.true(child instanceof Child)
  t.true(Number.isInteger(child.pid) && child.pid > 0)
  t.is(child.spawnfile, 'true')
  t.deepEqual(child.spawnargs, ['true'])
  t.is((await child.wait()).code, 0)
})

test('spawn(file, args)', async (t) => {
  const child = spawn('sh', ['-c', 'exit 3'])
  t.deepEqual(child.spawnargs, ['sh', '-c', 'exit 3'])
  t.is((await child.wait()).code, 3)
})

test('spawn(file, options)', async (t) => {
  const child = spawn('pwd', { cwd: '/proc', stdin: 'ignore' })
  t.is((await child.output()).stdout, '/proc\n')
})

test('spawn(file, args, options)', async (t) => {
  const child = spawn('pwd', ['-P'], { cwd: '/proc' })
  t.is((await child.output()).stdout, '/proc\n')
})

test('spawn(file, undefined, options) has no arguments', async (t) => {
  const child = spawn('pwd', undefined, { cwd: '/proc' })
  t.deepEqual(child.spawnargs, ['pwd'])
  t.is((await child.output()).stdout, '/proc\n')
})

test('the pid is that of a child of ours', async (t) => {
  const child = spawn('sleep', ['1000'])
  t.is(processEntry(child.pid)?.ppid, process.pid)
  t.true(isAlive(child.pid))
  t.true(child.kill('SIGKILL'))
  t.is((await child.wait()).signal, 'SIGKILL')
})

test('a child is made by spawn() alone', (t) => {
  const construct = Child as unknown as new (...args: unknown[]) => Child
  t.throws(() => new construct(), { instanceOf: TypeError, message: /spawn\(\)/ })
})

const missingPrograms = [
  ['a name that is not in the PATH', 'brood-no-such-program'],
  ['a path that does not exist', '/no/such/program'],
  ['a path below a file', '/etc/passwd/program', 'ENOTDIR'],
] as const

for (const [what, file, code = 'ENOENT'] of missingPrograms) {
  test(`${what} is ${code} at once`, (t) => {
    const error = spawnErrorOf(() => spawn(file, ['a', 'b']))
    t.is(error.code, code)
    t.is(error.step, 'exec')
    t.is(error.path, file)
    t.is(error.syscall, `spawn ${file}`)
    t.deepEqual(error.spawnargs, ['a', 'b'])
    t.true(error.errno < 0)
    t.true(error.message.startsWith(`spawn ${file} ${code}`), error.message)
  })
}

test('programs are looked for in the PATH of the child', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'brood-greets'), '#!/bin/sh\necho hello\n', { mode: 0o755 })
  t.is(spawnErrorOf(() => spawn('brood-greets')).code, 'ENOENT')
  const child = spawn('brood-greets', { env: { PATH: `/nowhere::${directory}` } })
  t.is((await child.output()).stdout, 'hello\n')
})

test('what cannot be executed is passed over in the PATH, and is EACCES when there is nothing else', async (t) => {
  const directory = temporaryDirectory(t)
  for (const name of ['first', 'second', 'third']) mkdirSync(join(directory, name))
  writeFileSync(join(directory, 'first/brood-tool'), '#!/bin/sh\necho first\n', { mode: 0o644 })
  mkdirSync(join(directory, 'second/brood-tool'))
  writeFileSync(join(directory, 'third/brood-tool'), '#!/bin/sh\necho third\n', { mode: 0o755 })
  const path = (...names: string[]) => ({ env: { PATH: names.map((name) => join(directory, name)).join(':') } })
  t.is(spawnErrorOf(() => spawn('brood-tool', path('first', 'second'))).code, 'EACCES')
  t.is((await spawn('brood-tool', path('first', 'second', 'third')).output()).stdout, 'third\n')
})

test('a file without execute permission is EACCES at once', (t) => {
  const error = spawnErrorOf(() => spawn('/etc/passwd'))
  t.is(error.code, 'EACCES')
  t.is(error.step, 'exec')
  t.is(error.path, '/etc/passwd')
})

test('a directory is EACCES at once', (t) => {
  t.is(spawnErrorOf(() => spawn('/etc')).code, 'EACCES')
})

test('a loop of symbolic links is ELOOP at once', (t) => {
  const loop = join(temporaryDirectory(t), 'loop')
  symlinkSync(loop, loop)
  t.is(spawnErrorOf(() => spawn(loop)).code, 'ELOOP')
})

const isLate = async (t: ExecutionContext, child: Child, code: string, step: SpawnStep) => {
  const failure = await within(rejectionOf(child.spawned, SpawnError), 'spawned rejects')
  t.is(failure.code, code)
  t.is(failure.step, step)
  t.is(failure.path, child.spawnfile)
  t.deepEqual(failure.spawnargs, child.spawnargs.slice(1))
  t.true(failure.errno < 0)
  t.is(await within(rejectionOf(child.wait(), SpawnError), 'wait() rejects'), failure)
  t.is(child.exitStatus, null)
  t.throws(() => child.tryWait(), { is: failure })
  t.false(child.kill())
  return failure
}

test('a file that is no program is ENOEXEC, and rejects spawned and wait()', async (t) => {
  const file = join(temporaryDirectory(t), 'garbage')
  writeFileSync(file, 'neither a script nor an executable\n', { mode: 0o755 })
  const failure = await isLate(t, spawn(file, ['x']), 'ENOEXEC', 'exec')
  t.regex(failure.message, /#!/)
})

test('a script whose interpreter is missing is ENOENT, and rejects spawned and wait()', async (t) => {
  const file = join(temporaryDirectory(t), 'script')
  writeFileSync(file, '#!/no/such/interpreter\n', { mode: 0o755 })
  await isLate(t, spawn(file), 'ENOENT', 'exec')
})

test('too large an argument is E2BIG, and rejects spawned and wait()', async (t) => {
  await isLate(t, spawn('true', ['x'.repeat(1 << 20)]), 'E2BIG', 'exec')
})

test('too many arguments are E2BIG, and reject spawned and wait()', async (t) => {
  await isLate(
    t,
    spawn(
      'true',
      Array.from({ length: 120_000 }, () => 'x'.repeat(100)),
    ),
    'E2BIG',
    'exec',
  )
})

test('too large an environment is E2BIG', async (t) => {
  await isLate(t, spawn('/bin/true', { env: { BIG: 'x'.repeat(1 << 20) } }), 'E2BIG', 'exec')
})

test('nobody needs to listen for a late error', async (t) => {
  const child = spawn('true', ['x'.repeat(1 << 20)])
  // wait() was called by nobody, so nothing may be reported as unhandled: ava fails the file if it is.
  t.throws(() => {
    for (;;) child.tryWait()
  })
})
