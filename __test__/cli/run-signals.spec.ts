import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import test from 'ava'

import { BROOD, reportOf, start, startBrood } from '../helpers/command.ts'
import { fixture } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until } from '../helpers/until.ts'
import { childrenOf, isAlive, processEntry } from '../helpers/zombies.ts'

checkLeaks(test)

/** The one child of a process. */
const childOf = (pid: number): number | undefined => childrenOf(pid)[0]?.pid

const TELL = [process.execPath, fixture('tell-signals.mjs')]

/** What a program is sent and can catch; those that say that it has gone wrong are its own. */
const FORWARDED = [
  'SIGHUP',
  'SIGINT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
].filter((name) => name in constants.signals) as NodeJS.Signals[]

test('every signal that can be passed on reaches the command, and brood stays', async (t) => {
  const { child, saw, ended } = startBrood(['run', '--', ...TELL])
  await saw(/ready/)
  for (const signal of FORWARDED) {
    child.kill(signal)
    await saw(new RegExp(`got ${signal}|got ${signal === 'SIGIO' ? 'SIGPOLL' : signal}`))
  }
  child.kill('SIGTERM')
  t.is((await ended).code, 15)
})

const realTime = process.platform === 'linux' ? test : test.skip
realTime('real-time signals reach the command, too', async (t) => {
  for (const number of [34, 37, 64]) {
    const { child, saw, ended } = startBrood(['run', '--', 'sh', '-c', 'echo ready; exec sleep 1000'])
    await saw(/ready/)
    process.kill(child.pid!, number)
    t.is((await ended).code, 128 + number)
  }
})

test('a signal that comes before there is a command reaches it all the same', async (t) => {
  // Sent as soon as brood catches it, which is before the command can have begun.
  const { pid, child, ended } = startBrood(['run', '--', ...TELL])
  await until(() => catches(pid, constants.signals.SIGQUIT), 'brood catches signals')
  child.kill('SIGQUIT')
  const { code } = await ended
  // Either its own handler was there already, or it was not.
  t.true(code === 3 || code === 128 + 3, String(code))
})

const catches = (pid: number, signal: number): boolean => {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(statusOf(pid))?.[1] ?? '0'
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n
}

const statusOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

test('the command has a process group of its own, and signals go to it alone', async (t) => {
  const script =
    'sh -c \'trap "echo inner" USR1; echo ready; while :; do sleep 0.01; done\' & trap "echo outer" USR1; while :; do sleep 0.01; done'
  const { pid, child, saw, output, ended } = startBrood(['run', '--grace', '0', '--', 'sh', '-c', script])
  await saw(/ready/)
  const command = await until(() => childOf(pid), 'the command')
  t.is(processEntry(command)!.processGroup, command)
  t.not(processEntry(pid)!.processGroup, command)
  child.kill('SIGUSR1')
  await saw(/outer/)
  t.false(output().includes('inner'))
  child.kill('SIGTERM')
  t.is((await ended).code, 143)
})

test('--group: signals go to the whole group', async (t) => {
  const script =
    'sh -c \'trap "echo inner" USR1; echo ready; while :; do sleep 0.01; done\' & trap "echo outer" USR1; while :; do sleep 0.01; done'
  const { child, saw, ended } = startBrood(['run', '-g', '--report', '--', 'sh', '-c', script])
  await saw(/ready/)
  child.kill('SIGUSR1')
  await saw(/outer/)
  await saw(/inner/)
  child.kill('SIGTERM')
  const result = await ended
  t.is(result.code, 143)
  // The inner one may be a moment later than the outer one, but nobody needs to be killed.
  t.is(reportOf(result).leftovers['killed'], 0)
})

test('--signal-map: a signal becomes another one, or none', async (t) => {
  const { child, saw, output, ended } = startBrood([
    'run',
    '--signal-map',
    'TERM=USR1,hup=0',
    '--signal-map',
    '12=SIGQUIT',
    '--',
    ...TELL,
  ])
  await saw(/ready/)
  child.kill('SIGTERM')
  await saw(/got SIGUSR1/)
  child.kill('SIGHUP')
  child.kill('SIGWINCH')
  await saw(/got SIGWINCH/)
  t.false(output().includes('SIGHUP'))
  child.kill('SIGUSR2')
  t.is((await ended).code, 3)
})

test('--parent-death: the command ends with the parent of brood', async (t) => {
  const script = `"$@" & wait`
  const shell = start([
    'sh',
    '-c',
    script,
    'sh',
    process.execPath,
    BROOD,
    'run',
    '--parent-death',
    'TERM',
    '--',
    ...TELL,
  ])
  await shell.saw(/ready/)
  const brood = await until(() => childOf(shell.pid), 'brood')
  const command = await until(() => childOf(brood), 'the command')
  shell.child.kill('SIGKILL')
  await shell.saw(/got SIGTERM/)
  await until(() => !isAlive(brood) && !isAlive(command), 'both end')
  t.pass()
})

test('the command ends when brood is killed, with --parent-death', async (t) => {
  const { pid, child, saw } = startBrood([
    'run',
    '--parent-death',
    'KILL',
    '--',
    'sh',
    '-c',
    'echo ready; exec sleep 1000',
  ])
  await saw(/ready/)
  const command = await until(() => childOf(pid), 'the command')
  child.kill('SIGKILL')
  await until(() => !isAlive(command), 'the command ends')
  t.pass()
})
