import { readFileSync, readdirSync } from 'node:fs'
import { inspect } from 'node:util'
import test from 'ava'
import { ExitStatus, spawn } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

checkLeaks(test)

const shell = (script: string, options = {}): Promise<ExitStatus> =>
  spawn('sh', ['-c', script], { stdio: 'ignore', ...options }).wait()

test('a success', async (t) => {
  const status = await shell('exit 0')
  t.true(status instanceof ExitStatus)
  t.is(status.code, 0)
  t.is(status.signal, null)
  t.is(status.success, true)
  t.is(status.coreDumped, false)
  t.is(String(status), 'exit code 0')
})

test('a failure', async (t) => {
  const status = await shell('exit 42')
  t.is(status.code, 42)
  t.is(status.signal, null)
  t.is(status.success, false)
  t.is(String(status), 'exit code 42')
})

test('a signal', async (t) => {
  const status = await shell('kill -TERM $$')
  t.is(status.code, null)
  t.is(status.signal, 'SIGTERM')
  t.is(status.success, false)
  t.is(status.coreDumped, false)
  t.is(String(status), 'signal SIGTERM')
})

test('an exit code of 128 + n is no signal', async (t) => {
  t.is((await shell('exit 143')).signal, null)
})

// Where the kernel hands dumps to a program (|…), or writes none, the bit says so; then this cannot be seen.
const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
const dumpsToFile = !pattern.startsWith('|') && !pattern.startsWith('/')
const whereDumped = dumpsToFile ? test : test.skip
whereDumped(`a core dump${dumpsToFile ? '' : ` (core_pattern is ${pattern})`}`, async (t) => {
  const cwd = temporaryDirectory(t)
  const status = await shell('kill -SEGV $$', { cwd, rlimits: { core: 100_000_000 } })
  t.is(status.signal, 'SIGSEGV')
  t.is(status.coreDumped, readdirSync(cwd).length > 0)
  t.true(status.coreDumped)
  t.is(String(status), 'signal SIGSEGV (core dumped)')
})

test('no core dump where the limit is 0', async (t) => {
  const status = await shell('kill -SEGV $$', { rlimits: { core: 0 } })
  t.is(status.signal, 'SIGSEGV')
  t.is(status.coreDumped, false)
  t.is(String(status), 'signal SIGSEGV')
})

test('usage has the fields of process.resourceUsage()', async (t) => {
  const { usage } = await shell('exit 0')
  t.deepEqual(Object.keys(usage).toSorted(), Object.keys(process.resourceUsage()).toSorted())
  for (const [name, value] of Object.entries(usage)) {
    if (name === 'maxRSS') t.true(value === null || Number.isInteger(value), name)
    else t.true(Number.isInteger(value) && (value as number) >= 0, `${name} is ${value}`)
  }
  t.true(usage.minorPageFault > 0)
})

test('usage tells the CPU time in microseconds', async (t) => {
  // A limit of one second of CPU time ends it, so that is about what it has used: the kernel enforces it by ticks.
  const { usage } = await shell('while :; do :; done', { rlimits: { cpu: 1, core: 0 } })
  const time = usage.userCPUTime + usage.systemCPUTime
  t.true(time > 400_000 && time < 3_000_000, `${time} µs`)
})

test('usage includes descendants that were waited for', async (t) => {
  const { usage } = await shell('(ulimit -t 1; while :; do :; done); exit 0', { rlimits: { core: 0 } })
  t.true(usage.userCPUTime + usage.systemCPUTime > 400_000)
})

test('usage tells context switches', async (t) => {
  const { usage } = await shell('sleep 0.01; sleep 0.01')
  t.true(usage.voluntaryContextSwitches > 0)
})

test('maxRSS of a small child is null: it cannot be told from ours', async (t) => {
  t.is((await spawn('/bin/true').wait()).usage.maxRSS, null)
})

test.serial('maxRSS of a child larger than we ever were is its own, in kilobytes', async (t) => {
  const megabytes = 600
  const ours = process.resourceUsage().maxRSS
  t.true(ours < megabytes << 10, `we are at ${ours} kB ourselves`)
  const { usage, success } = await spawn(process.execPath, ['-e', `Buffer.alloc(${megabytes} << 20, 1)`]).wait()
  t.true(success)
  t.true(
    usage.maxRSS !== null && usage.maxRSS > megabytes << 10 && usage.maxRSS < (megabytes + 300) << 10,
    `${usage.maxRSS} kB`,
  )
})

test.serial('maxRSS is null, not ours, where we are the larger one', async (t) => {
  const held = Buffer.alloc(300 << 20, 1)
  const statuses = await Promise.all(Array.from({ length: 10 }, () => spawn('/bin/true', { stdio: 'ignore' }).wait()))
  for (const { usage } of statuses) t.is(usage.maxRSS, null)
  const { usage } = await spawn(process.execPath, ['-e', 'Buffer.alloc(50 << 20, 1)']).wait()
  t.is(usage.maxRSS, null)
  t.is(held.length, 300 << 20)
})

test('duration is the time from spawn to exit in milliseconds', async (t) => {
  const start = performance.now()
  const child = spawn('sleep', ['0.3'])
  const { duration } = await child.wait()
  const elapsed = performance.now() - start
  t.true(duration >= 299, `${duration} ms`)
  t.true(duration <= elapsed + 1, `${duration} ms of ${elapsed} ms`)
})

test('a status cannot be changed', async (t) => {
  const status = await shell('exit 3')
  t.true(Object.isFrozen(status))
  t.throws(() => Object.assign(status, { code: 0 }), { instanceOf: TypeError })
  t.throws(() => Object.assign(status, { success: true }), { instanceOf: TypeError })
  t.throws(() => Object.assign(status.usage, { maxRSS: 1 }), { instanceOf: TypeError })
  t.is(status.code, 3)
  t.is(status.usage, status.usage)
})

test('toJSON() is all of it', async (t) => {
  const status = await shell('exit 3')
  const parsed = JSON.parse(JSON.stringify(status))
  const { code, signal, success, coreDumped, duration, usage } = status
  t.deepEqual(parsed, { code, signal, success, coreDumped, duration, usage: { ...usage } })
})

test('inspect() shows it', async (t) => {
  const shown = inspect(await shell('exit 3'))
  t.regex(shown, /^ExitStatus \{/)
  t.regex(shown, /code: 3/)
  t.regex(shown, /userCPUTime/)
})
