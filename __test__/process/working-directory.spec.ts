import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { run, spawn } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { spawnErrorOf } from '../helpers/thrown.ts'

checkLeaks(test)

test('by default it is ours', async (t) => {
  t.is((await run('pwd', ['-P'])).stdout, `${realpathSync(process.cwd())}\n`)
})

test('cwd is a path', async (t) => {
  t.is((await run('pwd', ['-P'], { cwd: '/proc' })).stdout, '/proc\n')
})

test('cwd is a path relative to ours', async (t) => {
  t.is((await run('pwd', ['-P'], { cwd: '__test__' })).stdout, `${realpathSync('__test__')}\n`)
})

test('cwd is a file: URL', async (t) => {
  const directory = realpathSync(temporaryDirectory(t))
  const inside = join(directory, 'ein Ordner mit ü & 100%')
  mkdirSync(inside)
  t.is((await run('pwd', ['-P'], { cwd: pathToFileURL(inside) })).stdout, `${inside}\n`)
})

test('a program by a relative path is looked for from cwd', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'here'), '#!/bin/sh\necho found\n', { mode: 0o755 })
  t.is((await run('./here', { cwd: directory })).stdout, 'found\n')
  t.is(spawnErrorOf(() => spawn('./here')).code, 'ENOENT')
})

test('a relative entry of the PATH is looked up from cwd', async (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'bin'))
  writeFileSync(join(directory, 'bin/here'), '#!/bin/sh\necho found\n', { mode: 0o755 })
  t.is((await run('here', { cwd: directory, env: { PATH: 'bin' } })).stdout, 'found\n')
})

const notADirectory = [
  ['that is missing', '/no/such/directory', 'ENOENT'],
  ['that is a file', '/etc/passwd', 'ENOTDIR'],
  ['below a file', '/etc/passwd/x', 'ENOTDIR'],
] as const

for (const [what, cwd, code] of notADirectory) {
  test(`a cwd ${what} is ${code} at once, and names the cwd, not the program`, (t) => {
    const error = spawnErrorOf(() => spawn('echo', ['x'], { cwd }))
    t.is(error.code, code)
    t.is(error.step, 'chdir')
    t.is(error.path, cwd)
    t.is(error.syscall, 'chdir')
    t.deepEqual(error.spawnargs, ['x'])
    t.true(error.message.includes(cwd), error.message)
    t.regex(error.message, /"cwd"/)
  })
}

test('a cwd that is missing is told before a program that is missing', (t) => {
  t.is(spawnErrorOf(() => spawn('brood-no-such-program', { cwd: '/no/such/directory' })).step, 'chdir')
})

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? test : test.skip
asRoot(`it is entered before the credentials change${isRoot ? '' : ' (needs root)'}`, async (t) => {
  // mkdtemp makes a directory that only we may enter: who spawns chooses where.
  const child = spawn('/bin/true', { cwd: temporaryDirectory(t), uid: 65534, gid: 65534 })
  t.is((await child.wait()).code, 0)
})
