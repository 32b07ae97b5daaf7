import test from 'ava'
import { capabilities, type Capabilities } from 'brood'

import { runNode } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'

checkLeaks(test)

test('capabilities() tells what is used here', (t) => {
  const found = capabilities()
  t.deepEqual(Object.keys(found).toSorted(), ['kill', 'reaper', 'spawn', 'subreaper'])
  t.true(['clone3', 'clone', 'posix_spawn'].includes(found.spawn))
  t.true(['pidfd', 'sigchld'].includes(found.reaper))
  t.true(['pidfd', 'pid'].includes(found.kill))
  t.is(typeof found.subreaper, 'boolean')
  t.deepEqual(capabilities(), found)
})

const spawnMode = process.env['BROOD_SPAWN']
test(`BROOD_SPAWN, here ${spawnMode ?? 'not set'}, is followed`, (t) => {
  if (spawnMode === undefined) t.pass()
  else t.is(capabilities().spawn as string, spawnMode)
})

const reaperMode = process.env['BROOD_REAPER']
test(`BROOD_REAPER, here ${reaperMode ?? 'not set'}, is followed`, (t) => {
  if (reaperMode === undefined) t.pass()
  else t.is(capabilities().reaper as string, reaperMode)
})

const capabilitiesWith = async (env: NodeJS.ProcessEnv): Promise<Capabilities> => {
  const inherited = { ...process.env }
  delete inherited['BROOD_SPAWN']
  delete inherited['BROOD_REAPER']
  const script = `import('brood').then(async ({ capabilities, run }) => {
    if ((await run('echo', ['works'])).stdout !== 'works\\n') process.exit(1)
    console.log(JSON.stringify(capabilities()))
  })`
  const { stdout, stderr, code } = await runNode(['-e', script], { env: { ...inherited, ...env } })
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Capabilities
}

for (const spawn of ['clone', 'posix_spawn'] as const) {
  test(`BROOD_SPAWN=${spawn} forces that`, async (t) => {
    t.is((await capabilitiesWith({ BROOD_SPAWN: spawn })).spawn, spawn)
  })
}

test('BROOD_REAPER=sigchld forces that', async (t) => {
  t.is((await capabilitiesWith({ BROOD_REAPER: 'sigchld' })).reaper, 'sigchld')
})

test('what is forced in one program is not so in another', async (t) => {
  const [free, forced] = await Promise.all([
    capabilitiesWith({}),
    capabilitiesWith({ BROOD_SPAWN: 'posix_spawn', BROOD_REAPER: 'sigchld' }),
  ])
  t.like(forced, { spawn: 'posix_spawn', reaper: 'sigchld' })
  t.not(free.spawn, 'posix_spawn')
})
