import { execFileSync } from 'node:child_process'
import test from 'ava'
import { run, type SpawnOptions } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { statusLine } from '../helpers/zombies.ts'

checkLeaks(test)

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? test : test.skip
const needsRoot = isRoot ? '' : ' (needs root)'

/** Real, effective, saved and file system ids, and the groups, as the kernel has them. */
const credentialsOf = async (options: SpawnOptions) => {
  const { stdout } = await run('/bin/cat', ['/proc/self/status'], options)
  const line = (name: string) =>
    new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(stdout)![1]!.split(/\s+/).join(' ')
  return { uid: line('Uid'), gid: line('Gid'), groups: line('Groups') }
}

asRoot(`uid sets all four user ids, and leaves our groups behind${needsRoot}`, async (t) => {
  t.deepEqual(await credentialsOf({ uid: 1234 }), { uid: '1234 1234 1234 1234', gid: '0 0 0 0', groups: '' })
})

asRoot(`gid sets all four group ids${needsRoot}`, async (t) => {
  t.deepEqual(await credentialsOf({ gid: 4321 }), { uid: '0 0 0 0', gid: '4321 4321 4321 4321', groups: '' })
})

asRoot(`uid and gid and groups${needsRoot}`, async (t) => {
  t.deepEqual(await credentialsOf({ uid: 1234, gid: 4321, groups: [7, 5, 100_000] }), {
    uid: '1234 1234 1234 1234',
    gid: '4321 4321 4321 4321',
    groups: '5 7 100000',
  })
})

asRoot(`groups alone${needsRoot}`, async (t) => {
  t.is((await credentialsOf({ groups: [42] })).groups, '42')
  t.is((await credentialsOf({ groups: [] })).groups, '')
})

/** The owner of our files in /proc, which is root for a process that is not dumpable. */
const dumpable = (): string => execFileSync('stat', ['-c', '%u', `/proc/${process.pid}/environ`], { encoding: 'utf8' })

asRoot(`nothing of ours changes, and we stay dumpable${needsRoot}`, async (t) => {
  const before = [statusLine('self', 'Uid'), statusLine('self', 'Gid'), dumpable()]
  await run('true', { uid: 1234, gid: 4321 })
  t.deepEqual([statusLine('self', 'Uid'), statusLine('self', 'Gid'), dumpable()], before)
})

asRoot(`a child that may not change its user rejects with EPERM at step setup${needsRoot}`, async (t) => {
  const script = `import('brood').then(async ({ spawn }) => {
    process.setgid(65534); process.setuid(65534)
    try { await spawn('true', { uid: 0 }).wait() } catch ({ name, code, step }) { console.log(name, code, step) }
  })`
  t.is((await run(process.execPath, ['-e', script])).stdout, 'SpawnError EPERM setup\n')
})

const noNewPrivs = async (options: SpawnOptions): Promise<string | undefined> =>
  /^NoNewPrivs:\s*(\d)/m.exec((await run('cat', ['/proc/self/status'], options)).stdout)?.[1]

test('noNewPrivs', async (t) => {
  t.is(await noNewPrivs({ noNewPrivs: true }), '1')
  t.is(await noNewPrivs({ noNewPrivs: false }), statusLine('self', 'NoNewPrivs'))
  t.is(await noNewPrivs({}), statusLine('self', 'NoNewPrivs'))
  t.is(statusLine('self', 'NoNewPrivs'), '0', 'it is not set for us')
})

const umasks: [umask: number | undefined, shown: string][] = [
  [0, '0000'],
  [0o77, '0077'],
  [0o777, '0777'],
  [undefined, execFileSync('sh', ['-c', 'umask'], { encoding: 'utf8' }).trim()],
]
for (const [umask, shown] of umasks) {
  test(`umask: ${umask}`, async (t) => {
    const { stdout } = await run('sh', ['-c', 'umask'], umask === undefined ? {} : { umask })
    t.is(stdout.trim(), shown)
    t.is(execFileSync('sh', ['-c', 'umask'], { encoding: 'utf8' }).trim(), umasks[3]![1], 'ours is as it was')
  })
}
