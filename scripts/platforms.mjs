// node scripts/platforms.mjs [TARGET …]: how brood stands on each platform, as far as this machine can tell: the code linted as
// that target sees it, the binary built and looked at, and tried where there is something to run it with. Ends in a table;
// fails if something is wrong, not if something is lacking.
//
// This machine's own build runs in this very Node. For another, name a command that is a Node of that platform:
//
//     BROOD_RUN_LINUX_ARM64_GNU='qemu-aarch64 -L /usr/aarch64-linux-gnu …/bin/node' node scripts/platforms.mjs

import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { build, lint } from './cross.mjs'
import { inspect } from './glibc-floor.mjs'
import { standardLibrary, withoutLibrary } from './platforms/rust.mjs'
import { TARGETS } from './platforms/targets.mjs'
import { root } from './setup.mjs'

const directory = join(root, 'target/platforms')

/** The command that is a Node of this platform, `undefined` if there is none. */
const nodeOf = ({ name, os, arch }) => {
  const command = process.env[`BROOD_RUN_${name.toUpperCase().replaceAll('-', '_')}`]
  if (command !== undefined) return command.split(' ')
  const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'
  const isOurs = os === process.platform && arch === process.arch && (os !== 'linux' || name.endsWith(libc))
  return isOurs ? [process.execPath] : undefined
}

/** The package with this binary and no other: what the loader would rather take must not be there. */
const stage = (target, file) => {
  const place = join(directory, target.name)
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  copyFileSync(join(root, 'package.json'), join(place, 'package.json'))
  cpSync(join(root, 'dist'), join(place, 'dist'), { recursive: true })
  copyFileSync(file, join(place, `brood.${target.name}.node`))
  return place
}

const tryOut = (target, file) => {
  const node = nodeOf(target)
  if (node === undefined) return 'nothing to run it with'
  const [program, ...words] = [...node, join(root, 'scripts/platforms/smoke.mjs'), stage(target, file)]
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' })
  if (status === 0) return stdout.trim().split('\n').at(-1)
  throw new Error(`${error?.message ?? ''}${stdout}${stderr}`)
}

const problems = []

const look = (target) => {
  const row = { platform: target.name, linted: '', built: '', needs: '', run: '' }
  if (standardLibrary(target.triple).from === undefined) {
    console.error(withoutLibrary(target.triple))
    return { ...row, linted: 'no library', built: 'no library' }
  }
  const linted = lint(target, { quiet: true })
  row.linted = linted.ok ? `clean (${linted.by})` : 'FAILED'
  if (!linted.ok) problems.push(`${target.name}: ${linted.text}`)
  const { ok, file, text } = build(target, directory, { quiet: true })
  if (!ok) {
    problems.push(`${target.name}: ${text}`)
    return { ...row, built: 'FAILED' }
  }
  row.built = 'yes'
  if (target.os !== 'darwin') {
    const { size, glibc, needed, faults } = inspect(file)
    row.built = `${Math.round(size / 1024)} KiB`
    row.needs = glibc === undefined ? needed.join(' ') : `glibc ${glibc}`
    problems.push(...faults.map((fault) => `${target.name} ${fault}`))
  }
  try {
    row.run = tryOut(target, file)
  } catch (error) {
    row.run = 'FAILED'
    problems.push(`${target.name}: ${error.message}`)
  }
  return row
}

const main = () => {
  if (!existsSync(join(root, 'dist/index.js'))) {
    console.error('platforms: there is no dist/: npm run build makes it')
    return 1
  }
  const names = process.argv.slice(2)
  const wanted = TARGETS.filter(({ name }) => names.length === 0 || names.includes(name))
  if (wanted.length < names.length) {
    console.error(`platforms: there are ${TARGETS.map(({ name }) => name).join(', ')}`)
    return 2
  }
  const rows = wanted.map((target) => {
    console.error(`• ${target.name} …`)
    return look(target)
  })
  console.table(Object.fromEntries(rows.map(({ platform, ...row }) => [platform, row])))
  for (const problem of problems) console.error(`platforms: ${problem}`)
  return problems.length > 0 ? 1 : 0
}

process.exitCode = main()
