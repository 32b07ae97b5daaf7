// node scripts/check-artifacts.mjs: the gate before anything is published. Each platform that package.json names has its
// package, with the binary that its name promises, of the version that the main package asks for; and nothing else.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { readElf } from './platforms/elf.mjs'
import { TARGETS } from './platforms/targets.mjs'
import { root } from './setup.mjs'

const MACH_O = 0xfeedfacf
const MACH_O_MACHINE = { 0x01000007: 'x64', 0x0100000c: 'arm64' }
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'prepare']

const read = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** What system and architecture a binary is for: told from itself. */
const kindOf = (bytes) => {
  if (bytes.readUInt32LE(0) === MACH_O) return { format: 'darwin', arch: MACH_O_MACHINE[bytes.readUInt32LE(4)] }
  const { arch, needed } = readElf(bytes)
  if (needed.includes('libc.so.7')) return { format: 'freebsd', arch }
  if (needed.includes('libc.so.6')) return { format: 'gnu', arch }
  return { format: needed.some((name) => /^libc\.(musl|so$)/.test(name)) ? 'musl' : needed.join(), arch }
}

const faultsOf = (main, { name, os, arch }) => {
  const directory = join(root, 'npm', name)
  if (!existsSync(join(directory, 'package.json'))) return ['there is no package']
  const manifest = read(join(directory, 'package.json'))
  const file = join(directory, `brood.${name}.node`)
  if (!existsSync(file)) return ['there is no binary']
  const faults = []
  const expect = (what, actual, wanted) => {
    if (String(actual) !== String(wanted)) faults.push(`${what} is ${actual}, not ${wanted}`)
  }
  const libc = os === 'linux' ? name.split('-')[2] : undefined
  expect('its name', manifest.name, `${main.napi.packageName}-${name}`)
  expect('its version', manifest.version, main.version)
  expect('main', manifest.main, `brood.${name}.node`)
  expect('os', manifest.os, os)
  expect('cpu', manifest.cpu, arch)
  expect('libc', manifest.libc, libc === 'gnu' ? 'glibc' : libc)
  expect('what the main package asks for', main.optionalDependencies?.[manifest.name], main.version)
  const kind = kindOf(readFileSync(file))
  expect('the binary', `${kind.format} ${kind.arch}`, `${libc ?? os} ${arch}`)
  if (!existsSync(join(directory, 'LICENSE'))) faults.push('there are no licences')
  for (const script of LIFECYCLE)
    if (manifest.scripts?.[script] !== undefined) faults.push(`it has a script "${script}"`)
  return faults
}

const main = read(join(root, 'package.json'))
const faults = TARGETS.flatMap((target) => faultsOf(main, target).map((fault) => `${target.name}: ${fault}`))
const known = TARGETS.map(({ triple }) => triple).toSorted()
if (String(known) !== String(main.napi.targets.toSorted())) faults.push('package.json: napi.targets differs from ours')
const names = TARGETS.map(({ name }) => `${main.napi.packageName}-${name}`)
const foreign = Object.keys(main.optionalDependencies ?? {}).filter((name) => !names.includes(name))
for (const name of foreign) faults.push(`package.json: optional dependency ${name} is no platform of ours`)
for (const script of LIFECYCLE)
  if (main.scripts[script] !== undefined) faults.push(`package.json: a script "${script}"`)
if (!existsSync(join(root, 'dist/index.js'))) faults.push('dist/index.js is not built')
const directories = existsSync(join(root, 'npm')) ? readdirSync(join(root, 'npm'), { withFileTypes: true }) : []
for (const { name } of directories.filter((entry) => entry.isDirectory())) {
  if (!TARGETS.some((target) => target.name === name)) faults.push(`npm/${name} is no platform of ours`)
}
for (const fault of faults) console.error(`check-artifacts: ${fault}`)
if (faults.length === 0)
  console.log(`check-artifacts: ${TARGETS.length} packages of version ${main.version} are complete`)
process.exitCode = faults.length > 0 ? 1 : 0
