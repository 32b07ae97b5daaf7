import { spawn as spawnByNode } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import test from 'ava'
import { processTree, spawn } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { relatives } from '../helpers/relatives.ts'
import { until } from '../helpers/until.ts'
import { isAlive } from '../helpers/zombies.ts'
import { brood, isToldWhatIsWrong, MAIN } from './cli.ts'

checkLeaks(test)

const told = (stdout: string): string[] => stdout.trimEnd().split('\n').toSorted()

test('a family is killed and named', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'sleep 1000 & setsid sleep 1000 & wait'], { stdio: 'ignore', env: family.env })
  const pids = await family.reach(3)
  await until(() => pids.every((pid) => processTree(child.pid).get(pid) !== undefined), 'all are there')
  const { stdout, stderr, code } = await brood(['kill', String(child.pid)])
  t.is(code, 0, stderr)
  t.is(told(stdout).length, 3)
  for (const pid of pids) t.regex(stdout, new RegExp(`^SIGTERM ${pid} (sh|sleep)`, 'm'))
  await family.end()
  t.is((await child.wait()).signal, 'SIGTERM')
})

test('a process that brood has not spawned', async (t) => {
  const family = relatives(t)
  const child = spawnByNode('sh', ['-c', 'sleep 1000 & wait'], { stdio: 'ignore', env: family.env })
  const ended = once(child, 'exit')
  await family.reach(2)
  const { stdout, code } = await brood(['kill', String(child.pid), '--signal', 'SIGKILL'])
  t.is(code, 0)
  t.is(told(stdout).length, 2)
  await family.end()
  t.is((await ended)[1], 'SIGKILL')
})

for (const signal of ['SIGINT', 'int', 'INT', '2']) {
  test(`--signal ${signal}`, async (t) => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
    const { stdout } = await brood(['kill', String(child.pid), '-s', signal])
    t.is(stdout, `SIGINT ${child.pid} sleep 1000\n`)
    t.is((await child.wait()).signal, 'SIGINT')
  })
}

test('--signal 0 only finds them', async (t) => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  const { stdout } = await brood(['kill', String(child.pid), '--signal', '0'])
  t.is(stdout, `found ${child.pid} sleep 1000\n`)
  t.true(isAlive(child.pid))
  await child.stop({ signal: 'SIGKILL' })
})

test('--grace waits, and insists on who is left', async (t) => {
  const family = relatives(t)
  const script = 'sh -c "trap \\"\\" TERM; echo ready; exec sleep 1000" & wait'
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], env: family.env })
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  const { stdout, code } = await brood(['kill', String(child.pid), '--grace', '300'])
  t.is(code, 0)
  t.deepEqual(family.living(), [])
  t.deepEqual(
    told(stdout).map((line) => line.split(' ')[0]),
    ['SIGKILL', 'SIGTERM', 'SIGTERM'],
  )
  await child.wait()
})

test('who has killed its own parent lives', async (t) => {
  const family = relatives(t)
  const script = `"$0" "$1" kill $$ -s KILL --grace 1000 >&3; echo unreachable >&3`
  const child = spawn('sh', ['-c', script, process.execPath, MAIN], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: family.env,
  })
  let text = ''
  const stream = child.stdio[3] as Readable
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  t.is((await child.wait()).signal, 'SIGKILL')
  await until(() => text.endsWith('\n'), 'it has told')
  t.regex(text, new RegExp(`^SIGKILL ${child.pid} sh -c .*\n$`))
  await family.end(10_000)
  stream.destroy()
})

for (const [args, message] of [
  [[], /^brood kill: one process id is needed/],
  [['1', '2'], /^brood kill: one process id is needed/],
  [['abc'], /^brood kill: "abc" is no process id/],
  [['0'], /^brood kill: "pid" must be a process id/],
  [['1'], /^brood kill: kill 1 EPERM: .*init/],
  [['4194305'], /^brood kill: kill 4194305 ESRCH: there is no process/],
  [['4194305', '--signal', 'SIGNOTHING'], /^brood kill: Unknown "signal": 'SIGNOTHING'/],
  [['4194305', '--signal', '65'], /^brood kill: Unknown "signal": 65/],
  [['4194305', '--grace', 'soon'], /^brood kill: "soon" is no number of milliseconds/],
  [['4194305', '--force'], /^brood kill: Unknown option '--force'/],
] as const) {
  test(`brood kill ${args.join(' ')} is told what is wrong`, (t) => isToldWhatIsWrong(t, ['kill', ...args], message))
}

test('--help', async (t) => {
  const { code, stdout } = await brood(['kill', '--help'])
  t.is(code, 0)
  t.regex(stdout, /^Usage: brood kill PID/)
  t.regex((await brood([])).stdout, /^ {2}kill +\S.*\n/m)
})
