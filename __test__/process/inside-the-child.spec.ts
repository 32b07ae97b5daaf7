import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import test from 'ava'
import { capabilities, run, spawn, type SpawnOptions } from 'brood'

import { descriptors } from '../helpers/descriptors.ts'
import { runFixture } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { within } from '../helpers/until.ts'

checkLeaks(test)

const statusOf = async (options: SpawnOptions = {}): Promise<Map<string, string>> => {
  const { stdout } = await run('cat', ['/proc/self/status'], options)
  return new Map(stdout.split('\n').map((line) => line.split(/:\s*/) as [string, string]))
}

const NONE = '0000000000000000'
/** glibc's posix_spawn(3) has its children ignore the two signals that it keeps for itself, 32 and 33. */
const ignoredAnyhow = capabilities().spawn === 'posix_spawn' ? ['0000000180000000', NONE] : [NONE]

const options: [what: string, options: SpawnOptions][] = [
  ['a plain child', {}],
  ['a detached child', { detached: true }],
  ['a child with a death signal', { parentDeathSignal: 'SIGTERM' }],
  ['a child with limits', { rlimits: { core: 0 } }],
]
if (process.getuid?.() === 0) options.push(['a child of another user', { uid: 65534, gid: 65534 }])

for (const [what, how] of options) {
  test(`${what} has no signal blocked, ignored or caught`, async (t) => {
    const status = await statusOf(how)
    t.is(status.get('SigBlk'), NONE)
    t.true(ignoredAnyhow.includes(status.get('SigIgn')!), status.get('SigIgn'))
    t.is(status.get('SigCgt'), NONE)
    t.is(status.get('SigPnd'), NONE)
  })
}

test('signals that the program has listeners for are not ignored or caught in its children', async (t) => {
  const { stdout, code } = await runFixture('listen-to-signals.mjs')
  t.is(code, 0)
  const status = new Map(stdout.split('\n').map((line) => line.split(/:\s*/) as [string, string]))
  for (const name of ['SigBlk', 'SigCgt']) t.is(status.get(name), NONE, name)
  t.true(ignoredAnyhow.includes(status.get('SigIgn')!), status.get('SigIgn'))
})

test('a child writing to a closed pipe gets SIGPIPE, which Node ignores for itself', async (t) => {
  const child = spawn('yes', { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout!.destroy()
  t.is((await within(child.wait(), 'yes ends')).signal, 'SIGPIPE')
})

/** The child's descriptors below 600. Asked for one by one: to read the directory takes a descriptor, too. */
const LIST = 'fd=0; while [ $fd -lt 600 ]; do if [ -e /proc/$$/fd/$fd ]; then echo $fd; fi; fd=$((fd + 1)); done'
const listOf = async (stdio?: SpawnOptions['stdio']): Promise<string[]> => {
  const { stdout } = await run('sh', ['-c', LIST], stdio === undefined ? {} : { stdio })
  return stdout.trimEnd().split('\n')
}

test('a child has its stdio and no other descriptor', async (t) => {
  t.deepEqual(await listOf(), ['0', '1', '2'])
})

test('a child has those past the third that were asked for, and no other', async (t) => {
  t.deepEqual(await listOf(['ignore', 'pipe', 'inherit', undefined, 'ignore']), ['0', '1', '2', '4'])
})

test('descriptors without close-on-exec do not reach the child', async (t) => {
  const { stdout, code } = await runFixture('leak-descriptors.mjs')
  t.is(code, 0)
  t.deepEqual(JSON.parse(stdout), { open: ['10', '11', '500'], child: ['0', '1', '2'] })
})

test('our own descriptors keep their flags', async (t) => {
  const fd = openSync('/dev/null', 'r')
  const flags = () => /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]
  const before = flags()
  await run('true')
  t.is(flags(), before)
  t.true(descriptors().has(fd))
  closeSync(fd)
})

test('/dev/stdin, /dev/stdout and /dev/stderr can be opened', async (t) => {
  const script = 'cat /dev/stdin > /dev/stdout; echo error > /dev/stderr; cat /proc/self/fd/0 >> /proc/self/fd/1'
  const { stdout, stderr } = await run('sh', ['-c', script], { input: 'through the device' })
  t.is(stdout, 'through the device')
  t.is(stderr, 'error\n')
})

test('/dev/stdout can be opened through a stream of ours, too', async (t) => {
  const child = spawn('sh', ['-c', 'cat /dev/stdin > /dev/stdout'])
  child.stdin!.end('streamed')
  t.is((await child.output()).stdout, 'streamed')
})

test('its stdio blocks, as programs expect', async (t) => {
  // O_NONBLOCK is 04000.
  const script = 'for fd in 0 1 2; do grep flags /proc/$$/fdinfo/$fd; done'
  const child = spawn('sh', ['-c', script])
  t.not(child.stdin, null)
  t.not(child.stdout, null)
  const { stdout } = await child.output()
  const flags = String(stdout)
    .match(/\d+/g)!
    .map((octal) => parseInt(octal, 8))
  t.is(flags.length, 3)
  for (const flag of flags) t.is(flag & 0o4000, 0)
})

// The limit of file locks, which limits nothing, is the mark by which brood knows its families.
const LOOK = ['-c', 'umask; ulimit -a | grep -v ^locks; nice; grep Cpus_allowed: /proc/self/status']

test('it has our umask, limits, nice value and affinity when nothing else is asked for', async (t) => {
  const { stdout } = await run('sh', LOOK)
  t.is(stdout, execFileSync('sh', LOOK, { encoding: 'utf8' }))
})

const groupAndSession = (stat: string): string[] =>
  stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(2, 4)

test('it is in our session and process group when nothing else is asked for', async (t) => {
  const { stdout } = await run('cat', ['/proc/self/stat'])
  const ours = readFileSync('/proc/self/stat', 'utf8')
  t.deepEqual(groupAndSession(stdout), groupAndSession(ours))
})
