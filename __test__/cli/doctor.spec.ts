import { release } from 'node:os'
import test from 'ava'
import { capabilities } from 'brood'

import { BROOD, runBrood, start } from '../helpers/command.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { AS_INIT, whyNotInit } from '../helpers/namespace.ts'

checkLeaks(test)

interface Examination {
  readonly machine: {
    kernel: string
    libc: string
    seccomp: string
    facilities: { name: string; error: string | null }[]
    overrides: Record<string, string>
  }
  readonly capabilities: Record<string, unknown>
  readonly cgroup: { path: string | null; isDelegated: boolean }
  readonly reaping: { isInit: boolean; init: string; zombies: number[]; orphan: string; container: string | null }
}

const examine = async (env: NodeJS.ProcessEnv = {}): Promise<Examination> => {
  const { code, stdout, stderr } = await runBrood(['doctor', '--json'], { env: { ...process.env, ...env } })
  if (code !== 0 || stderr !== '') throw new Error(`brood doctor ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as Examination
}

test('--json tells all of it', async (t) => {
  const { machine, reaping, cgroup, ...rest } = await examine()
  t.deepEqual(rest.capabilities, { ...capabilities() })
  t.is(machine.kernel, release())
  t.regex(machine.libc, /^(glibc \d|musl)/)
  t.true(['none', 'strict', 'filter'].includes(machine.seccomp))
  t.is(typeof cgroup.isDelegated, 'boolean')
  t.false(reaping.isInit)
  t.true(['reaped', 'left as a zombie'].includes(reaping.orphan), reaping.orphan)
})

test('what it finds is what brood uses', async (t) => {
  const { machine, capabilities: used } = await examine({ BROOD_SPAWN: undefined, BROOD_REAPER: undefined })
  const can = (name: string): boolean => {
    const facility = machine.facilities.find((one) => one.name === name)
    t.truthy(facility, name)
    return facility?.error === null
  }
  t.is(used['spawn'] === 'clone3', can('clone3'))
  t.is(used['reaper'] === 'pidfd', can('pidfd_open'))
  t.is(used['kill'] === 'pidfd', can('pidfd_send_signal'))
  t.is(used['subreaper'], can('subreaper'))
})

test('overrides show, and what becomes of them', async (t) => {
  const { machine, capabilities: used } = await examine({ BROOD_REAPER: 'sigchld', BROOD_SPAWN: 'posix_spawn' })
  t.deepEqual(machine.overrides, { BROOD_REAPER: 'sigchld', BROOD_SPAWN: 'posix_spawn' })
  t.like(used, { reaper: 'sigchld', spawn: 'posix_spawn' })
})

test('as text it says the same', async (t) => {
  const { code, stdout, stderr } = await runBrood(['doctor'])
  t.deepEqual([code, stderr], [0, ''])
  for (const part of [release(), 'clone3', 'pidfd_open', 'cgroup v2', 'seccomp', 'PID 1', capabilities().spawn]) {
    t.true(stdout.includes(part), part)
  }
})

test('an option that there is none of is refused', async (t) => {
  const { code, stdout, stderr } = await runBrood(['doctor', '--bogus'])
  t.deepEqual([code, stdout], [1, ''])
  t.regex(stderr, /--bogus/)
})

const why = whyNotInit()
const inside = why === undefined ? test : test.skip
inside(
  `as PID 1 it sees that nobody reaps${why === undefined ? '' : ` (no PID namespace here: ${why})`}`,
  async (t) => {
    const json = await start([...AS_INIT, process.execPath, BROOD, 'doctor', '--json']).ended
    const { reaping } = JSON.parse(json.stdout) as Examination
    t.like(reaping, { isInit: true, orphan: 'left as a zombie' })
    t.not(reaping.container, null)
    const text = await start([...AS_INIT, process.execPath, BROOD, 'doctor']).ended
    t.regex(text.stdout, /Nobody reaps orphans here/)
    t.regex(text.stdout, /brood run -- COMMAND/)
  },
)

inside(`under brood run it sees that somebody does`, async (t) => {
  const { stdout } = await start([
    ...AS_INIT,
    process.execPath,
    BROOD,
    'run',
    '--',
    process.execPath,
    BROOD,
    'doctor',
    '--json',
  ]).ended
  const { reaping } = JSON.parse(stdout) as Examination
  t.like(reaping, { isInit: false, orphan: 'reaped', zombies: [] })
})
