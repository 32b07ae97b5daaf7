// brood under seccomp filters that refuse the system calls it likes best.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'

import test from 'ava'

import { BROOD } from './helpers/command.ts'
import { fixture } from './helpers/fixture.ts'
import { checkLeaks } from './helpers/leaks.ts'
import { within } from './helpers/until.ts'

checkLeaks(test)

/** Builds the launcher and returns where it is. */
const buildLauncher = (): string => {
  const args = [
    'build',
    '--quiet',
    '--locked',
    '--package',
    'brood-core',
    '--example',
    'refuse',
    '--message-format=json',
  ]
  const { stdout, stderr, status } = spawnSync('cargo', args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  const artifact = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { target?: { name: string }; executable?: string | null })
    .find(({ target, executable }) => target?.name === 'refuse' && executable)
  if (status !== 0 || !artifact?.executable) throw new Error(`cargo build failed: ${stderr}`)
  return artifact.executable
}

const NO_SECCOMP = 77
const launcher = buildLauncher()
const probe = spawnSync(launcher, ['ENOSYS', 'clone3', '--', 'true'], { encoding: 'utf8' })
const skipped = probe.status === NO_SECCOMP ? ` (skipped: ${probe.stderr.trim()})` : ''
const check = skipped === '' ? test.serial : test.serial.skip

interface Result {
  readonly problems: string[]
  readonly filter: string
  readonly capabilities: { spawn: string; reaper: string; kill: string }
}

/** A number past those that Node makes close-on-exec when it starts. */
const LEAKY = 40

/** Runs the program behind a launcher, if any, with a descriptor that its children must not get. */
const runRefused = async (launch: readonly string[]): Promise<Result> => {
  const node = [process.execPath, '--import', '@oxc-node/core/register', fixture('refused.ts'), String(LEAKY)]
  const [file, ...args] = [...launch, ...node] as [string, ...string[]]
  const { BROOD_REAPER: _reaper, BROOD_SPAWN: _spawn, ...env } = process.env
  const leaky = openSync('/dev/zero', 'r')
  const nothing = Array.from({ length: LEAKY - 3 }, () => 'ignore' as const)
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe', ...nothing, leaky], timeout: 60_000 })
  closeSync(leaky)
  const [stdout, stderr, [code]] = await within(
    Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]),
    args.join(' '),
    70_000,
  )
  if (code !== 0 || stderr !== '') throw new Error(`${launch.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  return JSON.parse(stdout) as Result
}

let unfiltered: Result

test.serial.before('without a filter', async (t) => {
  unfiltered = await runRefused([])
  t.deepEqual(unfiltered.problems, [])
  t.is(unfiltered.filter, '0')
})

const CALLS = ['pidfd_open', 'clone3', 'close_range', 'pidfd_send_signal', 'faccessat2']

for (const errno of ['ENOSYS', 'EPERM']) {
  for (const calls of [...CALLS.map((call) => [call]), CALLS]) {
    const what = calls.length === 1 ? calls[0]! : 'all of them'
    check(`everything works where a filter answers ${errno} for ${what}${skipped}`, async (t) => {
      const { problems, filter, capabilities } = await runRefused([launcher, errno, calls.join(), '--'])
      t.deepEqual(problems, [])
      t.is(filter, '2')
      const refused = new Set(calls)
      const known = unfiltered.capabilities
      t.like(capabilities, {
        spawn: refused.has('clone3') && known.spawn === 'clone3' ? 'clone' : known.spawn,
        reaper: refused.has('pidfd_open') ? 'sigchld' : known.reaper,
        kill: refused.has('pidfd_open') || refused.has('pidfd_send_signal') ? 'pid' : known.kill,
      })
    })
  }
}

for (const errno of ['ENOSYS', 'EPERM']) {
  check(`brood run says that nobody would reap, where prctl is ${errno}, and runs the command${skipped}`, (t) => {
    const command = [process.execPath, BROOD, 'run', '--', 'sh', '-c', 'exit 3']
    const { status, stderr } = spawnSync(launcher, [errno, 'prctl', '--', ...command], { encoding: 'utf8' })
    t.is(status, 3)
    t.regex(stderr, new RegExp(`^brood run: warning: orphans .* will not be reaped here.*${errno}`))
  })
}
