// node scripts/licences.mjs [DIRECTORY …]: lists the crates that are linked into brood's binaries, with their licences. In
// each of the directories, those of the platform packages, it writes a LICENSE with brood's own text and all of theirs: npm
// packs a file of that name whatever else it is told. Fails if there is a crate whose text cannot be found.

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { output } from './platforms/rust.mjs'
import { TARGETS } from './platforms/targets.mjs'
import { root } from './setup.mjs'

const own = readFileSync(join(root, 'LICENSE'), 'utf8')

/** A crate's licence files, the best one first: where there is a choice, MIT is taken. */
const PREFERENCE = [/^licen[cs]e-mit/i, /^licen[cs]e(\.(md|txt))?$/i, /^copying/i, /^licen[cs]e/i]

/** What is linked in, and is no crate of ours to list. */
const TOOLCHAIN = `The Rust standard library (https://www.rust-lang.org), under MIT or Apache-2.0: copyright the Rust project's contributors.
The stack unwinder of the builds for Linux and FreeBSD is a part of LLVM, under Apache-2.0 with the LLVM exception, or MIT.`

/** Crates that run in a user's process: not those that only run while brood is compiled, nor those that only test it. */
const linked = () => {
  const targets = TARGETS.flatMap(({ triple }) => ['--target', triple])
  const tree = ['tree', '--locked', '--package', 'brood-node', '--edges', 'normal,no-proc-macro', '--prefix', 'none']
  const text = output('cargo', [...tree, ...targets, '--format', '{p}'])
  const metadata = output('cargo', ['metadata', '--locked', '--format-version', '1'])
  if (text === undefined || metadata === undefined) throw new Error('cargo cannot list the dependencies')
  const wanted = new Set(text.split('\n').map((line) => line.split(' ').slice(0, 2).join(' ')))
  const packages = JSON.parse(metadata).packages.filter(({ source }) => source !== null)
  return packages
    .filter(({ name, version }) => wanted.has(`${name} v${version}`))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

/** A licence's text: the crate's own, or for one under MIT that ships none, the usual text with its authors. */
const textOf = ({ name, license, authors, manifest_path: manifest }) => {
  const directory = dirname(manifest)
  const names = readdirSync(directory)
  const file = PREFERENCE.map((pattern) => names.find((candidate) => pattern.test(candidate))).find(Boolean)
  if (file !== undefined) return readFileSync(join(directory, file), 'utf8')
  if (license !== 'MIT') return undefined
  const holders = authors.length > 0 ? authors.join(', ') : `the authors of ${name}`
  return own.replace(/^Copyright .*$/m, `Copyright (c) ${holders}`)
}

const main = (directories) => {
  const crates = linked().map((crate) => ({ ...crate, text: textOf(crate) }))
  for (const { name, version, license } of crates) console.log(`${name} ${version}: ${license}`)
  const lacking = crates.filter(({ text }) => text === undefined)
  for (const { name } of lacking) console.error(`licences: ${name} ships no licence text`)
  if (lacking.length > 0 || crates.length === 0) return 1
  // Most say the same but for a line: each text once, under all the names that have it.
  const names = new Map()
  for (const { name, version, text } of crates) {
    const body = text.trim()
    names.set(body, [...(names.get(body) ?? []), `${name} ${version}`])
  }
  const rule = '-'.repeat(80)
  const parts = [...names].map(([body, list]) => `${rule}\n${list.join(', ')}\n\n${body}\n`)
  const whole = `${own.trim()}\n\nThis binary also contains:\n\n${TOOLCHAIN}\n\n${parts.join('\n')}`
  for (const directory of directories) {
    if (!existsSync(join(directory, 'package.json'))) throw new Error(`${directory} is no package`)
    writeFileSync(join(directory, 'LICENSE'), whole)
  }
  return 0
}

if (process.argv[1] === import.meta.filename) process.exitCode = main(process.argv.slice(2))
