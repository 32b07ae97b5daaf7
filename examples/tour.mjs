// A tour of brood on real processes: what it starts, what it waits for, what it stops, and what it leaves behind.

import { spawn as nodeSpawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { capabilities, ExitError, orphanQueue, run, spawn, SpawnError } from 'brood'

const isTerminal = process.stdout.isTTY
const paint = (code, text) => (isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text)
const title = (text) => console.log(`\n${paint(1, text)}`)
const line = (text) => console.log(`  ${text}`)
const progress = (text) => isTerminal && process.stdout.write(`\r\x1b[K  ${text}`)
const ms = (number) => `${number.toFixed(number < 10 ? 2 : 0)} ms`
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

/** Our children that have ended and that nobody has reaped. */
const zombies = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
        return state === 'Z' && Number(parent) === process.pid
      } catch {
        return false
      }
    }).length

const descriptors = () => readdirSync('/proc/self/fd').length
const canCount = process.platform === 'linux'
// libuv opens a pipe for signals at the first child of node:child_process, and a reserve at the first stream, which may be
// the child's or our own stdout, and keeps them; they are not ours to count.
await once(nodeSpawn('true'), 'close')
const descriptorsAtStart = canCount ? descriptors() : 0

console.log(paint(2, `brood on ${process.platform} ${process.arch}, Node ${process.version}:`), capabilities())

title('A handful of programs, how they ended and what they used')
const programs = [
  ['uname', ['-sr']],
  ['sort', ['-r'], { input: 'one\ntwo\nthree\n' }],
  [process.execPath, ['-e', 'let n = 0; for (let i = 0; i < 3e7; i++) n += i; console.log(n)']],
  ['sh', ['-c', 'echo "disk is full" >&2; exit 3']],
  ['sh', ['-c', 'kill -SEGV $$']],
  ['no-such-program', []],
]
for (const [file, args, options] of programs) {
  const name = [file.split('/').at(-1), ...args].join(' ').slice(0, 40).padEnd(40)
  try {
    const { status, stdout } = await run(file, args, options)
    const cpu = (status.usage.userCPUTime + status.usage.systemCPUTime) / 1000
    line(`${name}  ${status}, ${ms(status.duration)}, ${ms(cpu)} CPU: ${JSON.stringify(stdout.trim())}`)
  } catch (error) {
    if (error instanceof ExitError) line(`${name}  ${error.status}: ${JSON.stringify(error.stderr.trim())}`)
    else if (error instanceof SpawnError) line(`${name}  ${error.code}: ${error.message}`)
    else throw error
  }
}

title('A pipeline: seq | grep | wc, each reading from the one before')
const seq = spawn('seq', ['100000'], { stdin: 'ignore' })
const grep = spawn('grep', ['7'], { stdin: seq.stdout })
const wc = spawn('wc', ['-l'], { stdin: grep.stdout })
line(`numbers up to 100,000 with a 7 in them: ${(await wc.output()).stdout.trim()}`)
await Promise.all([seq.wait(), grep.wait()])

title('500 children at once')
const started = performance.now()
let ended = 0
const children = Array.from({ length: 500 }, (_, index) =>
  spawn('sh', ['-c', `exit ${index % 256}`], { stdio: 'ignore' }),
)
const spawnedAfter = performance.now() - started
const statuses = await Promise.all(
  children.map(async (child) => {
    const status = await child.wait()
    progress(`${++ended} of 500 have ended`)
    return status
  }),
)
progress('')
const right = statuses.filter((status, index) => status.code === index % 256).length
line(
  `spawned in ${ms(spawnedAfter)}, all ended after ${ms(performance.now() - started)}, ${right} with the right exit code`,
)

title('Handles dropped while their children run')
let reaped = 0
const onReap = () => void reaped++
orphanQueue.on('reap', onReap)
for (let index = 0; index < 20; index++) spawn('sleep', ['0.2'], { stdio: 'ignore' }).orphan()
for (let index = 0; index < 20; index++) spawn('sleep', ['1000'], { killOnDrop: true })[Symbol.dispose]()
line(`20 given up, 20 killed with their handle: ${orphanQueue.size} in the orphan queue`)
for (const deadline = performance.now() + 10_000; orphanQueue.size > 0 && performance.now() < deadline;) await sleep(10)
await sleep(20)
orphanQueue.off('reap', onReap)
line(`and reaped by themselves: ${reaped}, ${orphanQueue.size} left`)

title('A child that ignores SIGTERM')
const stubborn = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'], { stdin: 'ignore' })
await once(stubborn.stdout, 'data')
const asked = performance.now()
const status = await stubborn.stop({ grace: 300 })
line(`asked with SIGTERM, insisted after 300 ms: ${status}, ${ms(performance.now() - asked)} after the asking`)

title('How long one spawn stops the event loop, with 1 GB of memory held')
const held = Buffer.alloc(1 << 30, 1)
const blocking = { brood: [], 'node:child_process': [] }
for (let round = 0; round < 40; round++) {
  let start = performance.now()
  const ours = spawn('/bin/true', [], { stdio: 'ignore' })
  blocking.brood.push(performance.now() - start)
  await ours.wait()
  start = performance.now()
  const theirs = nodeSpawn('/bin/true', [], { stdio: 'ignore' })
  blocking['node:child_process'].push(performance.now() - start)
  await once(theirs, 'exit')
  progress(`${round + 1} of 40 rounds`)
}
progress('')
const [brood, node] = [median(blocking.brood), median(blocking['node:child_process'])]
line(`brood               ${ms(brood).padStart(10)}`)
line(`node:child_process  ${ms(node).padStart(10)}   ${Math.round(node / brood)} times as long`)
if (held.length === 0) throw new Error('the memory was held')

title('What is left')
if (canCount) {
  // A socket of ours is closed in the turn of the event loop that follows.
  for (const deadline = performance.now() + 5000; descriptors() > descriptorsAtStart && performance.now() < deadline;) {
    await sleep(10)
  }
  const [left, open] = [zombies(), descriptors() - descriptorsAtStart]
  line(`zombies: ${left}, descriptors: ${open}, orphans: ${orphanQueue.size}`)
  if (left !== 0 || open > 0) process.exitCode = 1
} else {
  line(`orphans: ${orphanQueue.size}`)
}
