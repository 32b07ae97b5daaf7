// How many system calls a spawn and an exit take, counted in a trace. A clock says something else on every machine and at
// every time of the day; these numbers change when the code does.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import test, { type ExecutionContext } from 'ava'

import { fixture, median, output, unusual, works } from './count.ts'

const TIMES = 30
/** The first ones map arenas, grow tables and compile. */
const WARM_UP = 10

/** Calls that V8 and the C library make now and then, when they need or give back memory: not the spawn's. */
const MEMORY = new Set(['mmap', 'munmap', 'mprotect', 'madvise', 'brk', 'futex', 'restart_syscall', 'sched_yield'])

const reason = (await unusual()) ?? ((await works('strace', ['-o', '/dev/null', 'true'])) ? undefined : 'no strace')
const counted = reason === undefined ? test : test.skip
const title = (text: string): string => (reason === undefined ? text : `${text} (skipped: ${reason})`)

/** The system calls of one thread, in order: names, and marks with their colon. */
const calls = (trace: string): string[] =>
  trace.split('\n').flatMap((line) => {
    const marked = /"\/guard(:\w+)"/.exec(line)
    if (marked !== null) return [marked[1]!]
    const name = /^(\w+)\(/.exec(line)?.[1]
    return name === undefined || MEMORY.has(name) ? [] : [name]
  })

/** What lies between two marks, for every time they follow each other but the first ones. */
const between = (all: readonly string[], from: string, to: string): string[][] => {
  const found: string[][] = []
  let current: string[] | undefined
  for (const call of all) {
    if (call === from) current = []
    else if (call === to && current !== undefined) {
      found.push(current)
      current = undefined
    } else current?.push(call)
  }
  return found.slice(WARM_UP)
}

/** Traces the calling thread alone: threads and children are not followed. */
const traceMain = async (how: string): Promise<string[]> => {
  const directory = await mkdtemp(join(tmpdir(), 'brood-guard-'))
  try {
    const file = join(directory, 'trace')
    await output('strace', ['-o', file, process.execPath, fixture('one-by-one'), how, String(TIMES)])
    return calls(await readFile(file, 'utf8'))
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Traces all threads, and returns what the driver's did from its first child on. */
const traceDriver = async (): Promise<string[]> => {
  const directory = await mkdtemp(join(tmpdir(), 'brood-guard-'))
  try {
    const args = ['-ff', '-o', join(directory, 'trace'), process.execPath, fixture('one-by-one'), 'ignore', `${TIMES}`]
    const { driver } = JSON.parse(await output('strace', args)) as { driver: string }
    const names = await readdir(directory)
    const name = names.find((each) => each.endsWith(`.${driver}`))
    return calls(await readFile(join(directory, name!), 'utf8'))
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** What is typical, for the message of a failure: the shortest of those with the median length. */
const typical = (pieces: readonly string[][]): string => {
  const middle = median(pieces.map(({ length }) => length))
  return (pieces.find(({ length }) => length === middle) ?? []).join(' ')
}

/** Between the marks there are, in the middle of all times, at most so many calls. */
const expectAtMost = (t: ExecutionContext, budget: number, pieces: readonly string[][]): void => {
  t.is(pieces.length, TIMES - WARM_UP)
  const count = median(pieces.map(({ length }) => length))
  t.log(`${count}: ${typical(pieces)}`)
  t.true(count <= budget, `${count} system calls, more than ${budget}: ${typical(pieces)}`)
}

// newfstatat of the program, getpid, two for the signal mask, clone3, epoll_ctl for the pidfd: 6, and one to spare.
counted(title('a spawn with ignored stdio makes at most 6 system calls on the calling thread'), async (t) => {
  const pieces = between(await traceMain('ignore'), ':spawn', ':wait')
  t.true(pieces.every((piece) => piece.includes('clone3')))
  expectAtMost(t, 6, pieces)
})

// The same, with pipe2 for each of three pipes and close for each of the child's ends: 12, and one to spare.
counted(title('a spawn with three pipes makes at most 12 system calls on the calling thread'), async (t) => {
  const pieces = between(await traceMain('pipe'), ':spawn', ':wait')
  t.true(pieces.every((piece) => piece.filter((name) => name === 'pipe2').length === 3))
  expectAtMost(t, 12, pieces)
})

// libuv's: epoll_pwait, once with a signal that the tracer has made visible, and read of the event counter. Ours: none.
counted(title('an exit makes no system call on the calling thread but those of the event loop'), async (t) => {
  const pieces = between(await traceMain('ignore'), ':wait', ':done')
  const ours = pieces.map((piece) => piece.filter((name) => name !== 'epoll_pwait' && name !== 'read').length)
  t.is(median(ours), 0, typical(pieces))
  expectAtMost(t, 6, pieces)
})

// A spawn with two pipes, two fcntl and an epoll_ctl for each of them, and the event loop's: 18, and two to spare.
counted(title('run() makes at most 16 system calls on the calling thread, the event loop included'), async (t) => {
  expectAtMost(t, 16, between(await traceMain('run'), ':run', ':done'))
})

// waitid, epoll_ctl, getrusage, close, write to wake the event loop, epoll_wait: 6, and one to spare.
counted(title('an exit makes at most 6 system calls on the driver thread'), async (t) => {
  const all = await traceDriver()
  const exits = all
    .join(' ')
    .split('waitid')
    .slice(1, 1 + TIMES)
  expectAtMost(
    t,
    6,
    exits.slice(WARM_UP).map((piece) => ['waitid', ...piece.trim().split(' ')]),
  )
})
