import { createWriteStream } from 'node:fs'
import { inspect } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { orphanQueue, run, spawn, SpawnError } from 'brood'

import { checkLeaks } from './helpers/leaks.ts'
import { rejectionOf, spawnErrorOf } from './helpers/thrown.ts'
import { childrenOf } from './helpers/zombies.ts'

checkLeaks(test)

const TYPE = 'ERR_INVALID_ARG_TYPE'
const VALUE = 'ERR_INVALID_ARG_VALUE'
const RANGE = 'ERR_OUT_OF_RANGE'

/** A call that is wrong in one way: what the message has to name, and what it is called. */
interface Case {
  readonly call: readonly [file: unknown, ...rest: unknown[]]
  readonly option: string
  readonly received: unknown
  readonly allowed: RegExp
  readonly code: string
}

const cases: Case[] = []
const add = (option: string, allowed: RegExp, code: string, ...values: unknown[]): void => {
  for (const received of values) {
    cases.push({ call: ['sleep', ['1000'], { [option]: received }], option, received, allowed, code })
  }
}

for (const file of [undefined, null, 42, {}, [], Symbol('x'), Object.create(null)]) {
  cases.push({ call: [file], option: 'file', received: file, allowed: /name or path of a program/, code: TYPE })
}
cases.push({ call: [''], option: 'file', received: '', allowed: /name or path of a program/, code: VALUE })

for (const [args, code] of [
  ['-l', VALUE],
  [42, TYPE],
  [true, TYPE],
] as const) {
  cases.push({ call: ['sleep', args], option: 'args', received: args, allowed: /an array of strings/, code })
}
cases.push({ call: ['sleep', {}, {}], option: 'args', received: {}, allowed: /an array of strings/, code: TYPE })
for (const bad of [1000, null, undefined, {}, ['x'], Symbol('x'), Object.create(null)]) {
  cases.push({ call: ['sleep', ['1000', bad]], option: 'args[1]', received: bad, allowed: /a string/, code: TYPE })
}
for (const options of ['x', 42, true, ['x'], () => {}]) {
  const code = typeof options === 'string' ? VALUE : TYPE
  cases.push({ call: ['sleep', ['1000'], options], option: 'options', received: options, allowed: /an object/, code })
}

for (const option of ['detached', 'noNewPrivs', 'killOnDrop']) {
  add(option, /a boolean/, TYPE, 1, 0, {}, [])
  add(option, /a boolean/, VALUE, 'yes', '')
}
add('cwd', /a path, or a file: URL/, TYPE, 42, {}, [], new URL('https://example.com/x'))
add('cwd', /a path, or a file: URL/, VALUE, '')
add('argv0', /a string/, TYPE, 42, {}, [])
add('shell', /a boolean, or the path of a shell/, TYPE, 42, {}, [])
add('shell', /a boolean, or the path of a shell/, VALUE, '')
add('env', /an object of strings/, TYPE, 42, true, ['A=1'])
add('env', /an object of strings/, VALUE, 'A=1')
add('processGroup', /a boolean, or the number of a process group/, RANGE, -1, 1.5, NaN, Infinity, 2 ** 31)
add('processGroup', /a boolean, or the number of a process group/, TYPE, {}, [])
add('processGroup', /a boolean, or the number of a process group/, VALUE, '0')
for (const option of ['uid', 'gid']) {
  add(option, /an integer from 0 to 4294967294/, RANGE, -1, 1.5, NaN, Infinity, 2 ** 32 - 1)
  add(option, /an integer from 0 to 4294967294/, TYPE, {}, true)
  add(option, /an integer from 0 to 4294967294/, VALUE, 'root')
}
add('umask', /an integer from 0 to 511/, RANGE, -1, 0o1000, 1.5, NaN)
add('umask', /an integer from 0 to 511/, VALUE, '022')
add('groups', /an array of integers from 0 to 4294967294/, TYPE, 42, {}, ['x'], [-1], [1.5], [2 ** 32])
add('groups', /an array of integers from 0 to 4294967294/, VALUE, 'wheel')
add('rlimits', /an object with the names as, core, cpu|cpu, fsize/, TYPE, 42, true)
add('timeout', /a number of milliseconds from 0 to 2147483647/, RANGE, -1, NaN, -Infinity, 2 ** 31)
add('timeout', /a number of milliseconds from 0 to 2147483647/, TYPE, {}, true)
add('timeout', /a number of milliseconds from 0 to 2147483647/, VALUE, '10')
for (const option of ['killSignal', 'parentDeathSignal']) {
  add(option, /the name of a signal such as 'SIGTERM'/, VALUE, 'SIGNOPE', 'sigterm', 'TERM', '')
  add(option, /the name of a signal such as 'SIGTERM'/, TYPE, 9, {}, true)
}
add('signal', /an AbortSignal/, TYPE, {}, 42, new AbortController())
add('signal', /an AbortSignal/, VALUE, 'SIGTERM')

const STDIO = /'pipe', 'inherit', 'ignore', a file descriptor, or a stream that has one/
for (const option of ['stdin', 'stdout', 'stderr', 'stdio']) {
  add(option, STDIO, VALUE, 'pipes', '', 'overlapped')
  add(option, STDIO, TYPE, true, {}, { fd: 'x' }, { fd: -1 }, Symbol('x'), () => {})
  add(option, /a file descriptor, an integer of 0 or more/, RANGE, -1, 1.5, NaN, Infinity, 2 ** 31)
}
for (const option of ['stdin', 'stdout', 'stdio']) add(option, /'stdout' is for stderr alone/, VALUE, 'stdout')

const nested = (options: object, option: string, received: unknown, allowed: RegExp, code: string): void =>
  void cases.push({ call: ['sleep', ['1000'], options], option, received, allowed, code })

for (const [value, code] of [
  [42, TYPE],
  [null, TYPE],
  [{}, TYPE],
  [Symbol('x'), TYPE],
] as const) {
  nested({ env: { GOOD: 'x', BAD: value } }, 'env.BAD', value, /a string, or undefined to leave it out/, code)
}
nested({ env: { '': 'x' } }, 'env', '', /names are not empty and hold no "="/, VALUE)
nested({ env: { 'A=B': 'x' } }, 'env', 'A=B', /names are not empty and hold no "="/, VALUE)
nested({ stdio: ['pipe', 'tube'] }, 'stdio[1]', 'tube', STDIO, VALUE)
nested({ stdio: ['pipe', 'pipe', 'pipe', -1] }, 'stdio[3]', -1, /a file descriptor/, RANGE)
nested({ stdio: ['pipe', 'stdout'] }, 'stdio[1]', 'stdout', /'stdout' is for stderr alone/, VALUE)
nested({ rlimits: { files: 10 } }, 'rlimits', 'files', /an object with the names .*nofile/, VALUE)
for (const limit of [-1, 1.5, NaN, 2 ** 53, { soft: -1, hard: 1 }, { soft: 0, hard: NaN }]) {
  nested(
    { rlimits: { nofile: limit } },
    'rlimits.nofile',
    limit,
    /an integer of 0 or more, Infinity, or \{ soft, hard \}/,
    RANGE,
  )
}
for (const limit of [null, true, {}, { soft: 1 }, { soft: '1', hard: 2 }]) {
  nested(
    { rlimits: { nofile: limit } },
    'rlimits.nofile',
    limit,
    /an integer of 0 or more, Infinity, or \{ soft, hard \}/,
    TYPE,
  )
}
nested({ rlimits: { core: '1' } }, 'rlimits.core', '1', /an integer of 0 or more/, VALUE)
const upsideDown = { soft: 2, hard: 1 }
nested({ rlimits: { core: upsideDown } }, 'rlimits.core', upsideDown, /no higher than the hard one/, RANGE)
nested({ detached: true, processGroup: 5 }, 'processGroup', 5, /true, 0 or absent together with "detached"/, VALUE)
nested({ cwd: new URL('file://elsewhere/x') }, 'cwd', 'file://elsewhere/x', /on this machine/, VALUE)
nested({ cwd: new URL('file:///a%2Fb') }, 'cwd', 'file:///a%2Fb', /on this machine/, VALUE)

const NUL = /free of NUL bytes/
cases.push({ call: ['sl\0eep'], option: 'file', received: 'sl\0eep', allowed: NUL, code: VALUE })
cases.push({ call: ['sleep', ['a', 'b\0c']], option: 'args[1]', received: 'b\0c', allowed: NUL, code: VALUE })
cases.push({ call: ['sleep', ['a\0'], { shell: true }], option: 'args[0]', received: 'a\0', allowed: NUL, code: VALUE })
nested({ argv0: '\0' }, 'argv0', '\0', NUL, VALUE)
nested({ cwd: '/tmp\0' }, 'cwd', '/tmp\0', NUL, VALUE)
nested({ env: { 'A\0': 'x' } }, 'env', 'A\0', NUL, VALUE)
nested({ env: { A: 'x\0B=y' } }, 'env.A', 'x\0B=y', NUL, VALUE)
nested({ env: Object.create({ A: '\0' }) }, 'env.A', '\0', NUL, VALUE)
nested({ shell: '/bin/sh\0' }, 'shell', '/bin/sh\0', NUL, VALUE)

const title = ({ call, option }: Case): string =>
  `spawn(${call.map((value) => inspect(value, { breakLength: Infinity, depth: 3 })).join(', ')}) is wrong about "${option}"`

const check = (t: ExecutionContext, error: SpawnError, { call, option, received, allowed, code }: Case) => {
  const message = error.message
  t.true(message.startsWith(`"${option}" must be `), message)
  const shown = received instanceof URL ? received.href : inspect(received, { depth: 0 })
  t.true(message.includes(`; received `) && message.includes(shown), `${message} shows ${shown}`)
  t.regex(message, allowed)
  t.is(error.code, code)
  t.is(error.step, 'options')
  t.is(error.syscall, 'spawn')
  t.is(error.errno, -22)
  if (typeof call[0] === 'string') t.is(error.path, call[0])
  t.true(Array.isArray(error.spawnargs) && error.spawnargs.every((argument) => typeof argument === 'string'))
}

for (const [index, wrong] of cases.entries()) {
  test.serial(`${index + 1}. ${title(wrong)}`, async (t) => {
    check(
      t,
      spawnErrorOf(() => (spawn as (...call: unknown[]) => unknown)(...wrong.call)),
      wrong,
    )
    const running = (run as (...call: unknown[]) => Promise<unknown>)(...wrong.call)
    check(t, await rejectionOf(running, SpawnError), wrong)
    t.is(childrenOf().length, 0, 'nothing was started')
    t.is(orphanQueue.size, 0)
  })
}

for (const [option, value, allowed, code] of [
  ['encoding', 'klingon', /'buffer' or an encoding of Buffer/, VALUE],
  ['encoding', 8, /'buffer' or an encoding of Buffer/, TYPE],
  ['maxBuffer', -1, /a number of bytes of 0 or more/, RANGE],
  ['maxBuffer', NaN, /a number of bytes of 0 or more/, RANGE],
  ['maxBuffer', '10', /a number of bytes of 0 or more/, VALUE],
  ['drain', -1, /a number of milliseconds of 0 or more/, RANGE],
  ['drain', {}, /a number of milliseconds of 0 or more/, TYPE],
  ['input', 42, /a string, a Buffer, a typed array or a DataView/, TYPE],
  ['input', {}, /a string, a Buffer, a typed array or a DataView/, TYPE],
  ['input', new ArrayBuffer(1), /a string, a Buffer, a typed array or a DataView/, TYPE],
  ['check', 'no', /a boolean/, VALUE],
] as const) {
  test.serial(`run() with ${option}: ${inspect(value)}`, async (t) => {
    const options = { [option]: value }
    const error = await rejectionOf(run('sleep', ['1000'], options), SpawnError)
    check(t, error, { call: ['sleep', ['1000'], options], option, received: value, allowed, code })
    t.is(childrenOf().length, 0, 'nothing was started')
  })
}

for (const options of [{ stdin: 'ignore' }, { stdio: 'inherit' }, { stdio: ['ignore'] }] as const) {
  test.serial(`run() with an input and ${inspect(options)}`, async (t) => {
    const error = await rejectionOf(run('cat', { input: 'x', ...options } as never), SpawnError)
    t.regex(error.message, /"stdin" must be 'pipe' or absent together with "input"/)
    t.is(error.code, VALUE)
    t.is(childrenOf().length, 0)
  })
}

test.serial('null and undefined are the same as absent', async (t) => {
  const names = [
    'cwd',
    'env',
    'argv0',
    'stdio',
    'stdin',
    'stdout',
    'stderr',
    'shell',
    'detached',
    'processGroup',
    'uid',
  ]
  names.push('gid', 'groups', 'umask', 'rlimits', 'noNewPrivs', 'parentDeathSignal', 'killOnDrop', 'killSignal')
  names.push('timeout', 'signal', 'input', 'encoding', 'drain', 'maxBuffer', 'check')
  for (const nothing of [null, undefined]) {
    const options = Object.fromEntries(names.map((name) => [name, nothing]))
    t.is((await run('echo', ['x'], options)).stdout, 'x\n')
    t.true((await (spawn as (...call: unknown[]) => ReturnType<typeof spawn>)('true', nothing, options).wait()).success)
    t.true((await (spawn as (...call: unknown[]) => ReturnType<typeof spawn>)('true', [], nothing).wait()).success)
  }
})

test.serial('a stream that was closed', async (t) => {
  const stream = createWriteStream('/dev/null')
  await new Promise((resolve) => stream.once('open', resolve))
  await new Promise((resolve) => stream.close(resolve))
  t.is(spawnErrorOf(() => spawn('true', { stdout: stream as never })).code, TYPE)
})

test.serial('a long value is shortened in the message', (t) => {
  const error = spawnErrorOf(() => spawn('true', { killSignal: 'x'.repeat(10_000) as never }))
  t.true(error.message.length < 1000)
})

test.serial('a getter that throws is its own error, and starts nothing', (t) => {
  const options = {
    get cwd(): string {
      throw new Error('from the getter')
    },
  }
  t.throws(() => spawn('sleep', ['1000'], options), { message: 'from the getter' })
  t.is(childrenOf().length, 0)
})
