import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'

import { explainMissing, thisMachine, type Machine, type Manifest } from '../src/missing.ts'
import { runNode } from './helpers/fixture.ts'
import { temporaryDirectory } from './helpers/temporary.ts'

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const { version } = manifest

const OFFER =
  'there are builds for Linux (glibc) x64 and arm64, Linux (musl) x64 and arm64, macOS x64 and arm64, FreeBSD x64'

const notFound = (build: string) => ({ build, error: Object.assign(new Error('no'), { code: 'MODULE_NOT_FOUND' }) })

const MACHINES: [machine: Machine, build: string, place: string][] = [
  [{ platform: 'linux', arch: 'x64', libc: 'gnu' }, 'linux-x64-gnu', 'Linux (glibc) x64'],
  [{ platform: 'linux', arch: 'arm64', libc: 'musl' }, 'linux-arm64-musl', 'Linux (musl) arm64'],
  [{ platform: 'darwin', arch: 'arm64' }, 'darwin-arm64', 'macOS arm64'],
  [{ platform: 'freebsd', arch: 'x64' }, 'freebsd-x64', 'FreeBSD x64'],
]
for (const [machine, build, place] of MACHINES) {
  test(`what is missing on ${place} is named with its version`, (t) => {
    t.is(
      explainMissing(machine, manifest, [notFound(build)]),
      `brood ${version} is installed without its native part for ${place}, as by --omit=optional or by a lock file made ` +
        `on another system: run "npm install @brood/binding-${build}@${version}" (${OFFER}).`,
    )
  })
}

const STRANGERS: [machine: Machine, place: string][] = [
  [{ platform: 'win32', arch: 'x64' }, 'Windows x64'],
  [{ platform: 'linux', arch: 'riscv64', libc: 'gnu' }, 'Linux (glibc) riscv64'],
  [{ platform: 'freebsd', arch: 'arm64' }, 'FreeBSD arm64'],
  [{ platform: 'sunos', arch: 'x64' }, 'sunos x64'],
]
for (const [machine, place] of STRANGERS) {
  test(`there is nothing to install on ${place}`, (t) => {
    t.is(explainMissing(machine, manifest, []), `brood ${version} does not run on ${place}: ${OFFER}.`)
  })
}

test('a build that is there and does not load says why, whatever the other ones say', (t) => {
  const sentence = explainMissing({ platform: 'linux', arch: 'x64', libc: 'musl' }, manifest, [
    { build: 'linux-x64-gnu', error: new Error('not for this C library') },
    notFound('linux-x64-musl'),
    { build: 'linux-x64-musl', error: new Error('file too short\nand more') },
  ])
  t.is(
    sentence,
    `brood ${version} cannot load its native part for Linux (musl) x64, @brood/binding-linux-x64-musl@${version}: ` +
      `file too short (${OFFER}).`,
  )
})

test('every target that is built is one that the sentence can name', (t) => {
  for (const target of manifest.napi.targets)
    t.regex(target, /^(x86_64|aarch64)-\w+-(darwin|freebsd|linux-(gnu|musl))$/)
})

/** brood as it is installed where no platform package is. */
const installWithout = (directory: string): string => {
  mkdirSync(join(directory, 'dist'))
  copyFileSync('package.json', join(directory, 'package.json'))
  copyFileSync('dist/index.js', join(directory, 'dist/index.js'))
  return directory
}

const importing = `await import('brood').catch((error) => process.stdout.write(error.message))`
const run = (cwd: string, before = '') =>
  runNode(['--input-type=module', '-e', `${before};${importing}`], { cwd, env: { ...process.env, NODE_PATH: '' } })

test('importing it without a platform package fails with that sentence', async (t) => {
  const { stdout, code } = await run(installWithout(temporaryDirectory(t)))
  const machine = thisMachine()
  t.is(stdout, explainMissing(machine, manifest, []))
  t.true(stdout.includes(`@${version}"`), stdout)
  t.is(code, 0)
})

test('importing it on another system fails with that sentence', async (t) => {
  const pretend = `Object.defineProperty(process, 'platform', { value: 'win32' })`
  const { stdout } = await run(installWithout(temporaryDirectory(t)), pretend)
  t.is(stdout, `brood ${version} does not run on Windows ${process.arch}: ${OFFER}.`)
})

test('importing it with a broken platform package says what is wrong with it', async (t) => {
  const directory = installWithout(temporaryDirectory(t))
  const { platform, arch, libc } = thisMachine()
  const build = [platform, arch, libc].filter(Boolean).join('-')
  const binding = join(directory, 'node_modules', '@brood', `binding-${build}`)
  mkdirSync(binding, { recursive: true })
  writeFileSync(join(binding, 'package.json'), JSON.stringify({ main: 'brood.node' }))
  writeFileSync(join(binding, 'brood.node'), 'no library')
  const { stdout } = await run(directory)
  t.regex(stdout, /^brood \S+ cannot load its native part for .+: .+ \(there are builds for /)
})
