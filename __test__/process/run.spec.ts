import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ExitError, ExitStatus, run, SpawnError } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { rejectionOf } from '../helpers/thrown.ts'

checkLeaks(test)

test('run(file) resolves with status, stdout, stderr and truncated', async (t) => {
  const output = await run('true')
  t.true(output.status instanceof ExitStatus)
  t.true(output.status.success)
  t.is(output.stdout, '')
  t.is(output.stderr, '')
  t.is(output.truncated, false)
})

test('run(file, args)', async (t) => {
  const { stdout, stderr } = await run('sh', ['-c', 'echo out; echo err >&2'])
  t.is(stdout, 'out\n')
  t.is(stderr, 'err\n')
})

test('run(file, options) and run(file, args, options)', async (t) => {
  t.is((await run('pwd', { cwd: '/proc' })).stdout, '/proc\n')
  t.is((await run('pwd', ['-P'], { cwd: '/proc' })).stdout, '/proc\n')
  t.is((await run('pwd', undefined, { cwd: '/proc' })).stdout, '/proc\n')
})

const sixteen = new Uint16Array([0x4142, 0x4344, 0x4546])
const inputs: [what: string, input: string | NodeJS.ArrayBufferView, bytes: Buffer][] = [
  ['a string', 'text with ü and 👍\n', Buffer.from('text with ü and 👍\n')],
  ['an empty string', '', Buffer.alloc(0)],
  ['a Buffer', Buffer.from([0, 1, 254, 255]), Buffer.from([0, 1, 254, 255])],
  ['a part of a Buffer', Buffer.from('0123456789').subarray(3, 6), Buffer.from('345')],
  ['a Uint16Array', sixteen.subarray(1), Buffer.from(sixteen.buffer, 2)],
  ['a Float64Array', new Float64Array([1.5]), Buffer.from(new Float64Array([1.5]).buffer)],
  ['a DataView', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2), Buffer.from([2, 3])],
]
for (const [what, input, bytes] of inputs) {
  test(`input is ${what}`, async (t) => {
    const { stdout } = await run('cat', { input, encoding: 'buffer' })
    t.deepEqual(stdout, bytes)
  })
}

test('20 MB go in and come out, the same bytes', async (t) => {
  const input = randomBytes(20 << 20)
  const { stdout } = await run('cat', { input, encoding: 'buffer' })
  t.is(stdout.length, input.length)
  t.deepEqual(createHash('sha256').update(stdout).digest(), createHash('sha256').update(input).digest())
})

test('the input is taken as it is at the call', async (t) => {
  const input = Buffer.alloc(1 << 20, 'a')
  const running = run('cat', { input })
  input.fill('b')
  t.is((await running).stdout, 'a'.repeat(1 << 20))
})

test('without an input there is nothing to read', async (t) => {
  const { stdout } = await run('sh', ['-c', 'readlink /proc/$$/fd/0; cat'])
  t.is(stdout, '/dev/null\n')
})

test("stdin: 'pipe' without an input is a pipe that has ended", async (t) => {
  t.is((await run('cat', { stdin: 'pipe' })).stdout, '')
})

test('a program that reads none of a large input is a success', async (t) => {
  t.is((await run('echo', ['x'], { input: Buffer.alloc(8 << 20) })).stdout, 'x\n')
})

test('a program that reads some of a large input is a success', async (t) => {
  t.is((await run('head', ['-c', '3'], { input: 'x'.repeat(8 << 20) })).stdout, 'xxx')
})

const encodings: [encoding: BufferEncoding, text: string][] = [
  ['utf8', 'zß水🍌'],
  ['utf-8', 'zß水🍌'],
  ['hex', '7ac39fe6b0b4f09f8d8c'],
  ['base64', 'esOf5rC08J+NjA=='],
  ['base64url', 'esOf5rC08J-NjA'],
  ['latin1', Buffer.from('zß水🍌').toString('latin1')],
  ['binary', Buffer.from('zß水🍌').toString('latin1')],
  ['ascii', Buffer.from('zß水🍌').toString('ascii')],
  ['ucs2', Buffer.from('zß水🍌').toString('ucs2')],
  ['utf16le', Buffer.from('zß水🍌').toString('utf16le')],
]
for (const [encoding, text] of encodings) {
  test(`encoding: '${encoding}'`, async (t) => {
    const output = await run('sh', ['-c', 'cat; printf err >&2'], { input: 'zß水🍌', encoding })
    t.is(output.stdout, text)
    t.is(output.stderr, Buffer.from('err').toString(encoding))
  })
}

test("encoding: 'buffer' gives Buffers", async (t) => {
  const { stdout, stderr } = await run('sh', ['-c', 'printf "\\377"; printf "\\376" >&2'], { encoding: 'buffer' })
  t.deepEqual(stdout, Buffer.from([0xff]))
  t.deepEqual(stderr, Buffer.from([0xfe]))
})

test('what is not UTF-8 becomes U+FFFD, as with Buffer', async (t) => {
  const bytes = randomBytes(100_000)
  t.is((await run('cat', { input: bytes })).stdout, bytes.toString())
})

test('a byte order mark stays, as with Buffer', async (t) => {
  t.is((await run('cat', { input: '\ufefftext' })).stdout, '\ufefftext')
})

test('a character that comes in two pieces is one', async (t) => {
  t.is((await run('sh', ['-c', 'printf "\\303"; sleep 0.1; printf "\\274"'])).stdout, 'ü')
})

test('stdout that is no pipe is empty here', async (t) => {
  const file = join(temporaryDirectory(t), 'out')
  const { stdout, stderr } = await run('sh', ['-c', 'echo out; echo err >&2'], { stdout: 'ignore' })
  t.is(stdout, '')
  t.is(stderr, 'err\n')
  const { stdout: none } = await run('sh', ['-c', `echo out > ${file}`], { stdio: 'ignore' })
  t.is(none, '')
  t.is(readFileSync(file, 'utf8'), 'out\n')
})

test('a status that is no success rejects with an ExitError', async (t) => {
  const error = await rejectionOf(run('sh', ['-c', 'echo out; echo why >&2; exit 7']), ExitError)
  t.is(error.name, 'ExitError')
  t.is(error.status.code, 7)
  t.is(error.stdout, 'out\n')
  t.is(error.stderr, 'why\n')
  t.regex(error.message, /exit code 7/)
  t.regex(error.message, /why/)
  t.regex(error.message, /^Failed with .*: sh -c /)
})

test('an end by a signal rejects with an ExitError', async (t) => {
  const error = await rejectionOf(run('sh', ['-c', 'kill -USR1 $$'], { encoding: 'buffer' }), ExitError)
  t.is(error.status.signal, 'SIGUSR1')
  t.deepEqual(error.stdout, Buffer.alloc(0))
  t.regex(error.message, /SIGUSR1/)
})

test('check: false resolves whatever the status is', async (t) => {
  const { status, stdout } = await run('sh', ['-c', 'echo out; exit 7'], { check: false })
  t.is(status.code, 7)
  t.false(status.success)
  t.is(stdout, 'out\n')
  t.is((await run('sh', ['-c', 'kill -9 $$'], { check: false })).status.signal, 'SIGKILL')
})

test('a program that is missing rejects with a SpawnError', async (t) => {
  const running = run('brood-no-such-program', ['x'])
  const error = await rejectionOf(running, SpawnError)
  t.is(error.code, 'ENOENT')
  t.deepEqual(error.spawnargs, ['x'])
})

test('what only exec can tell rejects with a SpawnError', async (t) => {
  t.is((await rejectionOf(run('true', ['x'.repeat(1 << 20)]), SpawnError)).code, 'E2BIG')
  t.is((await rejectionOf(run('true', ['x'.repeat(1 << 20)], { check: false }), SpawnError)).code, 'E2BIG')
})

test('100 at once', async (t) => {
  const outputs = await Promise.all(Array.from({ length: 100 }, (_, index) => run('echo', [String(index)])))
  t.deepEqual(
    outputs.map(({ stdout }) => stdout),
    Array.from({ length: 100 }, (_, index) => `${index}\n`),
  )
})
