import { once } from 'node:events'
import test from 'ava'
import { spawn as spawnInTerminal } from '@lydell/node-pty'
import { spawn, type ProcessInfo } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { relatives, type Relatives } from '../helpers/relatives.ts'
import { until, within } from '../helpers/until.ts'
import { isZombie, processEntry } from '../helpers/zombies.ts'
import { brood, isToldWhatIsWrong, MAIN } from './cli.ts'

/** What has a say in colours, and is set to something by whoever runs the tests. */
const COLOR_VARIABLES = ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'COLORTERM', 'CI', 'TMUX']

const makeTerminal = (args: readonly string[], env: Record<string, string> = {}) => {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !COLOR_VARIABLES.includes(entry[0]),
  )
  return spawnInTerminal(process.execPath, [MAIN, ...args], {
    cols: 60,
    rows: 12,
    env: { ...Object.fromEntries(inherited), TERM: 'xterm-256color', ...env },
  })
}

/** Runs it in a terminal; `use` sees what has come so far, and may type. */
const inTerminal = async (
  args: readonly string[],
  env: Record<string, string> = {},
  use?: (text: () => string, type: (keys: string) => void, pid: number) => Promise<unknown>,
): Promise<{ text: string; code: number }> => {
  const terminal = makeTerminal(args, env)
  let text = ''
  terminal.onData((data) => (text += data))
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  await use?.(
    () => text,
    (keys) => terminal.write(keys),
    terminal.pid,
  )
  const code = await within(ended, 'it ends')
  return { text, code }
}

checkLeaks(test, () => inTerminal(['--help']))

const family = async (script: string, relatives_: Relatives, count: number) => {
  const child = spawn('sh', ['-c', script], { stdio: 'ignore', env: relatives_.env })
  const pids = await relatives_.reach(count)
  return { child, pids }
}

test('a picture with lines, numbers and commands', async (t) => {
  const { child } = await family('sleep 1001 & (sleep 1002 & wait) & wait', relatives(t), 4)
  const { stdout, stderr, code } = await brood(['tree', String(child.pid)])
  t.is(code, 0, stderr)
  t.is(stderr, '')
  const lines = stdout.trimEnd().split('\n')
  t.regex(lines[0]!, /^ *PID  S +CPU +MEM  COMMAND$/)
  t.regex(
    lines[1]!,
    new RegExp(`^ *${child.pid}  [SR]  +\\d+\\.\\d\\ds +[\\d.]+[KM]  \\[session \\d+, group \\d+\\] sh -c `),
  )
  t.is(lines.length, 5)
  t.true(
    lines.slice(2).some((line) => /[├└]─ sleep 1001$/.test(line)),
    stdout,
  )
  t.true(
    lines.slice(2).some((line) => /(│ {2}| {3})└─ sleep 1002$/.test(line)),
    stdout,
  )
  t.false(stdout.includes('\u001b'))
  child.killTree('SIGKILL')
  await child.wait()
})

test('it shows what ps shows', async (t) => {
  const { child, pids } = await family('setsid sh -c "sleep 1000 & wait" & sleep 1000 & wait', relatives(t), 4)
  await until(() => pids.some((pid) => processEntry(pid)?.session === pid), 'one has its own session')
  const { stdout } = await brood(['tree', '--json', String(child.pid)])
  const rows = JSON.parse(stdout) as (ProcessInfo & { pid: number; depth: number })[]
  t.deepEqual(
    rows.map(({ pid }) => pid).toSorted((a, b) => a - b),
    pids.toSorted((a, b) => a - b),
  )
  for (const { pid, ppid, pgid, sid } of rows) {
    const entry = processEntry(pid)
    t.deepEqual({ ppid, pgid, sid }, { ppid: entry?.ppid, pgid: entry?.processGroup, sid: entry?.session } as never)
  }
  t.is(rows[0]!.depth, 0)
  t.true(rows.slice(1).every(({ depth, ppid }) => depth === rows.find(({ pid }) => pid === ppid)!.depth + 1))
  const picture = (await brood(['tree', String(child.pid)])).stdout
  const leader = pids.find((pid) => processEntry(pid)?.session === pid)!
  t.true(picture.includes(`─ [session ${leader}, group ${leader}] sh -c sleep 1000`), picture)
  child.killTree('SIGKILL')
  await child.wait()
})

test('without a pid it is all from init on', async (t) => {
  const { stdout, code } = await brood(['tree'])
  t.is(code, 0)
  t.regex(stdout.split('\n')[1]!, /^ *1 /)
  t.true(stdout.split('\n').some((line) => line.trimStart().startsWith(`${process.pid} `)))
})

test('control characters in a command do nothing to the terminal', async (t) => {
  const child = spawn('sleep', ['1000'], { argv0: 'a\u001b[31mb\nc\u202ed' })
  await child.spawned
  const { stdout } = await brood(['tree', String(child.pid)])
  t.true(stdout.endsWith('a\\u{1b}[31mb\\nc\\u{202e}d 1000\n'), stdout)
  await child.stop({ signal: 'SIGKILL' })
})

test('in a terminal zombies are red and lines are cut', async (t) => {
  const { child } = await family(`sleep 0 & exec sleep 1000 # ${'x'.repeat(300)}`, relatives(t), 1)
  await until(async () => (await brood(['tree', String(child.pid)])).stdout.includes('[sleep]'), 'the zombie is there')
  const long = spawn('sleep', ['1000'], { argv0: 'x'.repeat(300) })
  await long.spawned
  const colored = await inTerminal(['tree', String(child.pid)])
  const zombie = colored.text.split('\r\n').find((line) => line.includes('[sleep]'))!
  t.true(zombie.startsWith('\u001b[31m') && zombie.endsWith('[sleep]\u001b[39m'), JSON.stringify(zombie))
  t.is((await brood(['tree', String(child.pid)])).stdout.split('\n').length, 4)
  const plain = await inTerminal(['tree', String(child.pid)], { NO_COLOR: '1' })
  t.false(plain.text.includes('\u001b['), JSON.stringify(plain.text))
  t.true(plain.text.includes('[sleep]'))
  const cut = (await inTerminal(['tree', String(long.pid)], { NO_COLOR: '1' })).text.trimEnd().split('\r\n')
  t.is([...cut[1]!].length, 60)
  t.true(cut[1]!.endsWith('x…'))
  t.true((await brood(['tree', String(long.pid)])).stdout.length > 300, 'not cut in a pipe')
  t.true(
    isZombie((JSON.parse((await brood(['tree', '--json', String(child.pid)])).stdout) as { pid: number }[])[1]!.pid),
  )
  await Promise.all([child.stop({ signal: 'SIGKILL' }), long.stop({ signal: 'SIGKILL' })])
})

for (const [key, name] of [
  ['q', 'q'],
  ['\u0003', 'Ctrl-C'],
] as const) {
  test(`--watch looks again until ${name}`, async (t) => {
    const child = spawn('sleep', ['1000'])
    const { text, code } = await inTerminal(['tree', '--watch', String(child.pid)], {}, async (seen, type) => {
      await until(() => seen().split('sleep 1000').length > 3, 'it has looked three times')
      type(key)
    })
    t.is(code, 0)
    t.true(text.startsWith('\u001b[?1049h\u001b[?25l'), 'a screen of its own')
    t.true(text.endsWith('\u001b[?25h\u001b[?1049l'), 'and back')
    t.regex(text, /\d+%/)
    await child.stop({ signal: 'SIGKILL' })
  })
}

test('--watch ends with the process', async (t) => {
  const child = spawn('sleep', ['1000'])
  const { text, code } = await inTerminal(['tree', '-w', String(child.pid)], {}, async (seen) => {
    await until(() => seen().includes('sleep 1000'), 'it has looked')
    await child.stop({ signal: 'SIGKILL' })
  })
  t.is(code, 1)
  t.regex(text.split('\u001b[?1049l')[1]!, /^brood tree: .*ESRCH/)
})

test('--watch without a terminal writes plain pictures, with --json lines, until SIGINT', async (t) => {
  for (const [flags, separator] of [
    [['--watch'], /PID/],
    [['--watch', '--json'], /\n/],
  ] as const) {
    const child = spawn(process.execPath, [MAIN, 'tree', ...flags, String(process.pid)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    await until(() => text.split(separator).length > 3, 'it has looked three times')
    child.kill('SIGINT')
    t.is((await child.wait()).code, 0)
    t.false(text.includes('\u001b'))
    child.stdout!.destroy()
    child.stderr!.destroy()
  }
})

test('a reader that has enough is no error', async (t) => {
  const child = spawn('sh', ['-c', '"$0" "$1" tree | head -n 1', process.execPath, MAIN])
  const { status, stdout, stderr } = await child.output()
  t.true(status.success)
  t.regex(String(stdout), /PID/)
  t.is(stderr, '')
})

for (const [args, message] of [
  [['abc'], /^brood tree: "abc" is no process id/],
  [['-5'], /^brood tree: /],
  [['0'], /^brood tree: "pid" must be a process id/],
  [['99999999999'], /^brood tree: "pid" must be a process id/],
  [['4194305'], /^brood tree: processTree 4194305 ESRCH: there is no process/],
  [['1', '2'], /^brood tree: one process id at most/],
  [['--colour'], /^brood tree: Unknown option '--colour'/],
] as const) {
  test(`brood tree ${args.join(' ')} is told what is wrong`, (t) => isToldWhatIsWrong(t, ['tree', ...args], message))
}

test('--help', async (t) => {
  for (const args of [
    ['tree', '--help'],
    ['tree', '-h'],
  ]) {
    const { code, stdout } = await brood(args)
    t.is(code, 0)
    t.regex(stdout, /^Usage: brood tree/)
  }
  t.regex((await brood(['--help'])).stdout, /^ {2}tree +\S.*\n/m)
})

test('--watch ends when nobody reads any more', async (t) => {
  const child = spawn(process.execPath, [MAIN, 'tree', '--watch', String(process.pid)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  t.is((await within(child.wait(), 'it ends')).code, 0)
})
