import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  createWriteStream,
  createReadStream,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Duplex } from 'node:stream'
import test from 'ava'
import { run, spawn, type SpawnOptions, type Stdio } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { runFixture } from '../helpers/fixture.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { spawnErrorOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'

checkLeaks(test)

/** What the child's descriptors are, told by a fourth one. */
const kindsOf = async (options: SpawnOptions): Promise<string[]> => {
  const look = 'for fd in 0 1 2; do link=$(readlink /proc/$$/fd/$fd); echo "$link" >&3; done'
  const stdio = [0, 1, 2].map((index) => (Array.isArray(options.stdio) ? options.stdio[index] : options.stdio) as Stdio)
  const child = spawn('sh', ['-c', look], { ...options, stdio: [...stdio, 'pipe'] })
  const told = await text(child.stdio[3] as Duplex)
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.stderr?.destroy()
  await child.wait()
  return told
    .trimEnd()
    .split('\n')
    .map((link) => link.replace(/:.*/, ''))
}

const PIPES = ['pipe', 'pipe', 'pipe']
const NULLS = ['/dev/null', '/dev/null', '/dev/null']
const shapes: [what: string, options: SpawnOptions, kinds: string[]][] = [
  ['no options: three pipes', {}, PIPES],
  ["stdio: 'pipe'", { stdio: 'pipe' }, PIPES],
  ['stdio: null', { stdio: null }, PIPES],
  ["stdio: 'ignore'", { stdio: 'ignore' }, NULLS],
  ["stdio: ['ignore', 'pipe', 'ignore']", { stdio: ['ignore', 'pipe', 'ignore'] }, ['/dev/null', 'pipe', '/dev/null']],
  ["stdio: ['ignore'], the rest pipes", { stdio: ['ignore'] }, ['/dev/null', 'pipe', 'pipe']],
  ['stdio: [undefined, null, undefined]', { stdio: [undefined, null, undefined] }, PIPES],
  ["stdin: 'ignore' alone", { stdin: 'ignore' }, ['/dev/null', 'pipe', 'pipe']],
  ["stdout: 'ignore' alone", { stdout: 'ignore' }, ['pipe', '/dev/null', 'pipe']],
  ["stderr: 'ignore' alone", { stderr: 'ignore' }, ['pipe', 'pipe', '/dev/null']],
  ["stdout: 'pipe' over stdio: 'ignore'", { stdio: 'ignore', stdout: 'pipe' }, ['/dev/null', 'pipe', '/dev/null']],
  ["stdin: 'ignore' over an array", { stdio: ['pipe', 'ignore'], stdin: 'ignore' }, ['/dev/null', '/dev/null', 'pipe']],
]
for (const [what, options, kinds] of shapes) {
  test(`${what}`, async (t) => t.deepEqual(await kindsOf(options), kinds))
}

test("'inherit' hands ours on", async (t) => {
  const { stdout, stderr, code } = await runFixture('inherit.mjs')
  t.is(code, 0)
  t.is(stdout, 'from the child to stdout\n')
  t.is(stderr, 'from the child to stderr\n')
})

test("stderr: 'stdout' is the same pipe, in the order written", async (t) => {
  const script = 'echo 1; echo 2 >&2; echo 3; echo 4 >&2'
  const child = spawn('sh', ['-c', script], { stderr: 'stdout' })
  t.is(child.stderr, null)
  t.is(await text(child.stdout!), '1\n2\n3\n4\n')
  await child.wait()
  const output = await run('sh', ['-c', script], { stderr: 'stdout' })
  t.is(output.stdout, '1\n2\n3\n4\n')
  t.is(output.stderr, '')
})

test("stderr: 'stdout' is the same file, in the order written", async (t) => {
  const file = join(temporaryDirectory(t), 'log')
  const fd = openSync(file, 'w')
  await run('sh', ['-c', 'echo 1; echo 2 >&2; echo 3'], { stdout: fd, stderr: 'stdout' })
  closeSync(fd)
  t.is(readFileSync(file, 'utf8'), '1\n2\n3\n')
})

test("stderr: 'stdout' with stdout ignored is ignored", async (t) => {
  t.deepEqual(await kindsOf({ stdio: ['pipe', 'ignore'], stderr: 'stdout' }), ['pipe', '/dev/null', '/dev/null'])
})

test("stdio: ['pipe', 'pipe', 'stdout'] is the same", async (t) => {
  const child = spawn('sh', ['-c', 'echo 1; echo 2 >&2'], { stdio: ['pipe', 'pipe', 'stdout'] })
  t.is(child.stderr, null)
  t.is(await text(child.stdout!), '1\n2\n')
  await child.wait()
})

test('descriptors by number and by { fd }, and they stay open here', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'in'), 'from a file')
  const input = openSync(join(directory, 'in'), 'r')
  const output = openSync(join(directory, 'out'), 'w+')
  const child = spawn('cat', { stdio: [input, { fd: output }, 'pipe'] })
  t.is(child.stdin, null)
  t.is(child.stdout, null)
  t.is((await child.wait()).code, 0)
  const bytes = Buffer.alloc(100)
  t.is(readSync(output, bytes, 0, 100, 0), 11)
  closeSync(input)
  closeSync(output)
  t.is(readFileSync(join(directory, 'out'), 'utf8'), 'from a file')
})

test('file streams', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'in'), 'by streams')
  const input = createReadStream(join(directory, 'in'))
  const output = createWriteStream(join(directory, 'out'))
  t.is(spawnErrorOf(() => spawn('cat', { stdin: output })).code, 'ERR_INVALID_ARG_TYPE', 'not open yet')
  await Promise.all([once(input, 'open'), once(output, 'open')])
  const child = spawn('cat', { stdin: input, stdout: output })
  await child.wait()
  input.destroy()
  output.destroy()
  t.is(readFileSync(join(directory, 'out'), 'utf8'), 'by streams')
})

test('a FileHandle', async (t) => {
  const file = join(temporaryDirectory(t), 'out')
  const handle = await open(file, 'w')
  await spawn('echo', ['handle'], { stdout: handle }).wait()
  await handle.close()
  t.is(readFileSync(file, 'utf8'), 'handle\n')
})

test('a socket', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const child = spawn('echo', ['over the wire'], { stdout: accepted })
  await child.wait()
  accepted.end()
  t.is(await text(client), 'over the wire\n')
  server.close()
})

test("descriptors past the third: 'pipe' goes both ways", async (t) => {
  const child = spawn('sh', ['-c', 'read -r line <&3; echo "heard $line" >&3'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const duplex = child.stdio[3] as Duplex
  duplex.write('a word\n')
  t.is(await text(duplex), 'heard a word\n')
  t.is((await child.wait()).code, 0)
  t.is(child.stdio.length, 4)
})

test('descriptors past the third: numbers, ignored ones, gaps', async (t) => {
  const file = join(temporaryDirectory(t), 'five')
  const fd = openSync(file, 'w')
  const script = 'echo five >&5; for fd in 3 4 5 6 7; do readlink /proc/$$/fd/$fd || echo "$fd closed"; done'
  const { stdout } = await run('sh', ['-c', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', undefined, fd, null, 'ignore'],
  })
  closeSync(fd)
  t.is(stdout, `/dev/null\n4 closed\n${file}\n6 closed\n/dev/null\n`)
  t.is(readFileSync(file, 'utf8'), 'five\n')
})

test('descriptors that change places', async (t) => {
  const directory = temporaryDirectory(t)
  const files = ['a', 'b', 'c', 'd', 'e'].map((name) => openSync(join(directory, name), 'w'))
  // Whatever numbers these have here, they go to 0…20 of the child in a shuffled order.
  const stdio = Array.from({ length: 21 }, (_, index) => files[(index * 3) % files.length]!)
  const script = 'i=0; while [ $i -le 20 ]; do readlink /proc/$$/fd/$i; i=$((i+1)); done'
  const child = spawn('sh', ['-c', `${script} > ${join(directory, 'list')}`], { stdio })
  t.is((await child.wait()).code, 0)
  for (const fd of files) closeSync(fd)
  const expected = stdio.map((fd) => join(directory, 'abcde'[files.indexOf(fd)]!))
  const found = readFileSync(join(directory, 'list'), 'utf8').trimEnd().split('\n')
  // The shell itself has put its list in the place of 1 for as long as it wrote it.
  expected[1] = join(directory, 'list')
  t.deepEqual(found, expected)
})

test('a descriptor that is not open is EBADF at once', (t) => {
  const error = spawnErrorOf(() => spawn('true', { stdout: 987_654 }))
  t.is(error.code, 'EBADF')
  t.is(error.step, 'setup')
  t.regex(error.message, /stdio/)
})

test('stdout of one child moved to another as its stdin: yes | head ends', async (t) => {
  const yes = spawn('yes', { stdio: ['ignore', 'pipe', 'inherit'] })
  const head = spawn('head', ['-n', '3'], { stdin: yes.stdout })
  t.is((await head.output()).stdout, 'y\ny\ny\n')
  // Did we hold the pipe too, nobody would tell yes that its reader is gone.
  t.is((await within(yes.wait(), 'yes ends')).signal, 'SIGPIPE')
  t.true(yes.stdout!.destroyed)
})

test('a pipeline of four', async (t) => {
  const seq = spawn('seq', ['1', '100000'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const grep = spawn('grep', ['7'], { stdio: [seq.stdout, 'pipe', 'inherit'] })
  const sort = spawn('sort', ['-rn'], { stdio: [grep.stdout, 'pipe', 'inherit'] })
  const head = await run('head', ['-n', '2'], { stdin: sort.stdout })
  t.is(head.stdout, '99997\n99987\n')
  for (const child of [seq, grep, sort]) await within(child.wait(), `${child.spawnfile} ends`)
})

test('a pipe that is handed on blocks, as programs expect', async (t) => {
  const seq = spawn('seq', ['1', '200000'], { stdio: ['ignore', 'pipe', 'inherit'] })
  // Made here, and so non-blocking for us, before it goes to the other one.
  t.not(seq.stdout, null)
  const slow = await run('sh', ['-c', 'sleep 0.2; wc -l'], { stdin: seq.stdout })
  t.is(slow.stdout.trim(), '200000')
  await seq.wait()
})

test("a child's stdin handed to another as its stdout", async (t) => {
  const sink = spawn('wc', ['-c'])
  const source = spawn('head', ['-c', '1000000', '/dev/zero'], { stdout: sink.stdin })
  t.is((await source.wait()).code, 0)
  t.is(String((await sink.output()).stdout).trim(), '1000000')
})

test('the stdout of a child that was seen to end before the next one is started is its stdin all the same', async (t) => {
  const [large, silent] = [spawn('head', ['-c', '60000', '/dev/zero']), spawn('true')]
  await Promise.all([large.wait(), silent.wait()])
  const [count, nothing] = [
    spawn('wc', ['-c'], { stdin: large.stdout! }),
    spawn('wc', ['-c'], { stdin: silent.stdout! }),
  ]
  t.is(Number((await count.output()).stdout), 60_000)
  t.is(Number((await nothing.output()).stdout), 0)
})
