import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { spawn, SpawnError } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'

checkLeaks(test)

test('output() reads both pipes to the end and waits', async (t) => {
  const output = await spawn('sh', ['-c', 'echo out; echo err >&2; exit 3']).output()
  t.is(output.stdout, 'out\n')
  t.is(output.stderr, 'err\n')
  t.is(output.status.code, 3, 'a status that is no success is no error')
  t.false(output.truncated)
})

test('output() of a child that waits for the end of its stdin', async (t) => {
  t.is((await within(spawn('cat').output(), 'cat ends')).stdout, '')
})

test('output() leaves a stdin that was read to its reader', async (t) => {
  const child = spawn('cat')
  child.stdin!.write('first ')
  const output = child.output()
  setTimeout(() => child.stdin!.end('second'), 20)
  t.is((await output).stdout, 'first second')
})

test('output() as Buffers, and in any encoding', async (t) => {
  t.deepEqual((await spawn('printf', ['\\377']).output({ encoding: 'buffer' })).stdout, Buffer.from([0xff]))
  t.is((await spawn('printf', ['\\377']).output({ encoding: 'hex' })).stdout, 'ff')
})

test('output() after the exit', async (t) => {
  const child = spawn('sh', ['-c', 'echo out; echo err >&2'])
  await child.wait()
  const { stdout, stderr } = await child.output()
  t.is(stdout, 'out\n')
  t.is(stderr, 'err\n')
})

test('output() after the exit, while a grandchild goes on writing', async (t) => {
  const child = spawn('sh', ['-c', '(sleep 0.3; echo late) & echo early'])
  await child.wait()
  t.is((await child.output()).stdout, 'early\nlate\n')
})

test('output() after a stream was looked at', async (t) => {
  const child = spawn('sh', ['-c', 'echo out; echo err >&2'])
  t.not(child.stdout, null)
  const { stdout, stderr, status } = await child.output()
  t.is(stdout, 'out\n')
  t.is(stderr, 'err\n')
  t.true(status.success)
})

test('output() after a stream was looked at and the child has ended', async (t) => {
  const child = spawn('sh', ['-c', 'echo out; echo err >&2'])
  t.not(child.stderr, null)
  await child.wait()
  const { stdout, stderr } = await child.output()
  t.is(stdout, 'out\n')
  t.is(stderr, 'err\n')
})

test('output() after part of a stream was read is the rest', async (t) => {
  const child = spawn('sh', ['-c', 'echo one; read -r go; echo two'])
  const [first] = (await once(child.stdout!, 'data')) as [Buffer]
  t.is(String(first), 'one\n')
  child.stdin!.end('go\n')
  t.is((await child.output()).stdout, 'two\n')
})

test('output() after a stream was read to its end is empty there', async (t) => {
  const child = spawn('sh', ['-c', 'echo out; echo err >&2'])
  t.is(await text(child.stdout!), 'out\n')
  const { stdout, stderr } = await within(child.output(), 'output resolves')
  t.is(stdout, '')
  t.is(stderr, 'err\n')
})

test('output() twice is one output', async (t) => {
  const child = spawn('echo', ['x'])
  const output = child.output()
  t.is(child.output(), output)
  t.is((await output).stdout, 'x\n')
  t.is((await child.output()).stdout, 'x\n')
})

test('output() where there are no pipes', async (t) => {
  const output = await spawn('true', { stdio: 'ignore' }).output()
  t.is(output.stdout, '')
  t.is(output.stderr, '')
})

test('the status of output() is that of wait()', async (t) => {
  const child = spawn('true')
  const [{ status }, waited] = await Promise.all([child.output(), child.wait()])
  t.is(status, waited)
})

test('streams made after output() are those of pipes that are gone', async (t) => {
  const child = spawn('echo', ['x'])
  const output = child.output()
  t.is(await within(text(child.stdout!), 'stdout ends'), '')
  t.is((await output).stdout, 'x\n')
})

test('output() of a program that could not be executed rejects with a SpawnError', async (t) => {
  const child = spawn('true', ['x'.repeat(1 << 20)])
  t.is((await within(rejectionOf(child.output(), SpawnError), 'output rejects')).code, 'E2BIG')
})

test('the encoding of a stream does not matter', async (t) => {
  const child = spawn('printf', ['\\303\\274'])
  child.stdout!.setEncoding('latin1')
  t.is((await child.output()).stdout, 'ü')
})

for (const [option, value] of [
  ['encoding', 'klingon'],
  ['encoding', 8],
  ['maxBuffer', -1],
  ['maxBuffer', NaN],
  ['maxBuffer', '10'],
  ['drain', -1],
  ['drain', NaN],
  ['drain', 'soon'],
] as const) {
  test(`output({ ${option}: ${String(value)} }) rejects, and can be asked again`, async (t) => {
    const child = spawn('echo', ['x'])
    const error = await rejectionOf(child.output({ [option]: value }), Error)
    t.true(error.message.startsWith(`"${option}" must be `), error.message)
    t.true(
      error.message.endsWith(`received ${typeof value === 'string' ? `'${value}'` : String(value)}`),
      error.message,
    )
    t.is((await child.output()).stdout, 'x\n')
  })
}

test('a large text is the same text, ASCII or not, and stays so when memory is collected', async (t) => {
  // One is handed to the engine as it is, the other one decoded.
  const [ascii, other] = await Promise.all([
    spawn('sh', ['-c', "yes 'plain' | head -n 200000"]).output(),
    spawn('sh', ['-c', "yes 'grün' | head -n 200000"]).output(),
  ])
  globalThis.gc?.()
  t.is(ascii.stdout, 'plain\n'.repeat(200_000))
  t.is(other.stdout, 'grün\n'.repeat(200_000))
  t.is(ascii.stdout.toString().slice(600_000, 600_006).toUpperCase(), 'PLAIN\n')
})

test('a child that closes its pipes long before it ends has its output told with its end', async (t) => {
  const child = spawn('sh', ['-c', 'echo text; exec >&- 2>&-; exec sleep 0.3'])
  const { stdout, status } = await child.output()
  t.is(stdout, 'text\n')
  t.true(status.success)
})
