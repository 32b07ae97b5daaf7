import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import test from 'ava'
import { spawn } from 'brood'

import { descriptors } from '../helpers/descriptors.ts'
import { runFixture } from '../helpers/fixture.ts'
import { killAtEnd, LEAVE_GRANDCHILD } from '../helpers/grandchild.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until, within } from '../helpers/until.ts'

checkLeaks(test)

const pipes = () => [...descriptors().values()].filter((target) => target.startsWith('pipe:'))

test('they are streams, and the same ones each time', async (t) => {
  const child = spawn('cat')
  t.true(child.stdin instanceof Writable)
  t.true(child.stdout instanceof Readable)
  t.true(child.stderr instanceof Readable)
  t.is(child.stdin, child.stdin)
  t.deepEqual(child.stdio, [child.stdin, child.stdout, child.stderr])
  t.is(child.stdio[1], child.stdout)
  child.stdin!.end('x')
  t.is(await text(child.stdout!), 'x')
  await child.wait()
  child.stderr!.destroy()
})

test.serial(
  'a pipe that a grandchild held is closed when that has gone, and not only when the handle is collected',
  async (t) => {
    const before = new Set(pipes())
    const ours = () => pipes().filter((target) => !before.has(target))
    const child = spawn('sh', ['-c', `${LEAVE_GRANDCHILD} >&2; echo out`], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [pid] = (await once(child.stderr!, 'data')) as [Buffer]
    killAtEnd(t, Number(pid))
    await child.wait()
    t.is(ours().length, 2, 'the grandchild has both')
    process.kill(Number(pid), 'SIGKILL')
    await until(() => ours().length === 0, 'they are closed')
    t.is(await text(child.stdout!), 'out\n')
  },
)

test('they are null where that is no pipe', async (t) => {
  const child = spawn('true', { stdio: 'ignore' })
  t.is(child.stdin, null)
  t.is(child.stdout, null)
  t.is(child.stderr, null)
  t.deepEqual(child.stdio, [null, null, null])
  await child.wait()
  const mixed = spawn('true', { stdio: ['pipe', 'ignore', 'inherit'] })
  t.not(mixed.stdin, null)
  t.is(mixed.stdout, null)
  t.is(mixed.stderr, null)
  await mixed.wait()
})

test.serial('a stream that is not read is not made, and its pipe is gone with the child', async (t) => {
  const before = descriptors().size
  const children = Array.from({ length: 20 }, () => spawn('echo', ['x']))
  await Promise.all(children.map((child) => child.wait()))
  t.is(descriptors().size, before)
  // And what was in it is still there to be read.
  t.is(await text(children[0]!.stdout!), 'x\n')
})

test('reading stdout after the exit still gives what was written', async (t) => {
  const child = spawn('sh', ['-c', 'echo out; echo err >&2'])
  await child.wait()
  t.is(await text(child.stdout!), 'out\n')
  t.is(await text(child.stderr!), 'err\n')
})

test('reading stdout after the exit gives all that a pipe holds', async (t) => {
  const child = spawn('head', ['-c', '65536', '/dev/zero'])
  await child.wait()
  t.is((await buffer(child.stdout!)).length, 65_536)
})

test('reading stdout after the exit, while a grandchild goes on writing', async (t) => {
  const child = spawn('sh', ['-c', '(sleep 0.3; echo late) & echo early'])
  await child.wait()
  t.is(await text(child.stdout!), 'early\nlate\n')
})

test('reading an empty stdout after the exit ends at once', async (t) => {
  const child = spawn('true')
  await child.wait()
  t.is(await within(text(child.stdout!), 'stdout ends'), '')
  t.is(child.stdin!.destroyed, true)
})

test('stdin made after the exit takes writes and says nothing', async (t) => {
  const child = spawn('true')
  await child.wait()
  const stdin = child.stdin!
  stdin.write('into the void')
  stdin.end()
  await until(() => stdin.destroyed, 'stdin is destroyed')
  t.pass()
})

test('a big stdout is the same bytes', async (t) => {
  const bytes = randomBytes(20 << 20)
  const child = spawn('cat')
  const hash = createHash('sha256')
  await Promise.all([pipeline(Readable.from([bytes]), child.stdin!), pipeline(child.stdout!, hash)])
  t.deepEqual(hash.digest(), createHash('sha256').update(bytes).digest())
  t.true((await child.wait()).success)
})

test('stdin has backpressure: a child that does not read makes write() return false', async (t) => {
  const child = spawn('sh', ['-c', 'read -r go; wc -c'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const stdin = child.stdin!
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let written = 0
  for (let wantsMore = true; wantsMore; written += chunk.length) wantsMore = stdin.write(chunk)
  t.true(stdin.writableNeedDrain)
  t.true(written < 1 << 20, `${written} bytes taken by a child that does not read`)
  await new Promise((resolve) => setImmediate(resolve))
  t.true(stdin.writableNeedDrain)
  stdin.write('\n')
  const rest = 8 << 20
  let sent = 0
  while (sent < rest) {
    if (!stdin.write(chunk)) await once(stdin, 'drain')
    sent += chunk.length
  }
  stdin.end()
  // dash reads a byte at a time up to the newline, so all that is behind it is counted.
  t.is((await text(child.stdout!)).trim(), String(rest))
  await child.wait()
})

test('stdout has backpressure: what nobody reads stays in the pipe, and the child waits', async (t) => {
  const child = spawn('sh', ['-c', 'yes; :'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stdout = child.stdout!
  await once(stdout, 'readable')
  t.true(stdout.readableLength > 0)
  t.true(stdout.readableLength < 1 << 20)
  child.kill('SIGKILL')
  stdout.destroy()
  await child.wait()
})

test('a child that closes its stdin early does not bring the program down', async (t) => {
  const child = spawn('sh', ['-c', 'exec <&-; echo closed; sleep 1000'])
  await once(child.stdout!, 'data')
  const stdin = child.stdin!
  stdin.write('nobody reads this')
  await until(() => stdin.destroyed, 'the stream has noticed')
  stdin.write('nor this')
  child.kill('SIGKILL')
  await child.wait()
  child.stdout!.destroy()
  t.pass()
})

test('a child that closes its stdin early tells a listener', async (t) => {
  const child = spawn('sh', ['-c', 'exec <&-; echo closed; sleep 1000'])
  await once(child.stdout!, 'data')
  const failed = once(child.stdin!, 'error') as Promise<[NodeJS.ErrnoException]>
  child.stdin!.write('nobody reads this')
  const [error] = await within(failed, 'the error is told')
  t.is(error.code, 'EPIPE')
  child.kill('SIGKILL')
  await child.wait()
  child.stdout!.destroy()
})

test('a program that writes megabytes to children that never read ends well', async (t) => {
  const { code, stdout, stderr } = await runFixture('write-to-the-deaf.mjs')
  t.is(stderr, '')
  t.is(stdout, 'done\n')
  t.is(code, 0)
})

test('wait() resolves although a grandchild holds the pipe', async (t) => {
  const child = spawn('sh', ['-c', LEAVE_GRANDCHILD])
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  killAtEnd(t, Number(String(line)))
  t.is((await within(child.wait(), 'the child ends')).code, 0)
  t.false(child.stdout!.readableEnded)
  child.stdout!.destroy()
  child.stderr!.destroy()
})

test('a child that turns into a daemon while it holds stdout', async (t) => {
  const child = spawn('sh', ['-c', 'setsid sh -c "echo \\$\\$; sleep 0.3; echo from the daemon" & exit 4'])
  t.is((await child.wait()).code, 4)
  const said = await text(child.stdout!)
  t.regex(said, /^\d+\nfrom the daemon\n$/)
})

test('a stream that is destroyed closes the pipe: the child gets SIGPIPE', async (t) => {
  const child = spawn('yes', { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  t.is((await within(child.wait(), 'yes ends')).signal, 'SIGPIPE')
})

test('stdout can be iterated', async (t) => {
  const child = spawn('seq', ['3'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  for await (const chunk of child.stdout!) said += String(chunk)
  t.is(said, '1\n2\n3\n')
  await child.wait()
})

test('a stream that ended is closed, and so is its descriptor', async (t) => {
  const child = spawn('echo', ['x'], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout!.resume()
  await once(child.stdout!, 'close')
  t.true(child.stdout!.destroyed)
  await child.wait()
})
