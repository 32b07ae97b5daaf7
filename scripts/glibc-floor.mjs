// node scripts/glibc-floor.mjs [FILE.node …]: the oldest glibc that each binary loads with, its size and the libraries it
// needs. Fails if one needs a glibc newer than the floor, or a library that not every system of its kind has.
//
// Without arguments it looks at the binary beside package.json, which only `npm run build:native` may have made: that one
// needs the glibc of this machine. What is published is made by scripts/cross.mjs.

import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

import { readElf } from './platforms/elf.mjs'
import { root } from './setup.mjs'

/** What the gnu builds may need at most: Node 20's own need. */
export const FLOOR = [2, 28]

/** What is there wherever there is this C library; all else is somebody's package. */
const ALWAYS_THERE = {
  gnu: /^(lib(c|m|dl|rt|pthread)\.so\.\d|ld-linux-(x86-64|aarch64)\.so\.\d|libgcc_s\.so\.1)$/,
  musl: /^libc\.(so|musl-(x86_64|aarch64)\.so\.1)$/,
  freebsd: /^lib(c|thr|m|util|gcc_s|execinfo)\.so\.\d$/,
}

const compare = (one, other) => one[0] - other[0] || (one[1] ?? 0) - (other[1] ?? 0)

/** Which of the three kinds a build is, by its name: `brood.linux-x64-musl.node`. */
const kindOf = (name) => ['musl', 'freebsd'].find((kind) => name.includes(kind)) ?? 'gnu'

/**
 * Looks at one binary.
 *
 * @returns {{ name: string, arch: string, size: number, needed: string[], glibc: string | undefined, faults: string[] }}
 *   `glibc`: the newest version that loading needs, `undefined` if none
 */
export const inspect = (file) => {
  const name = basename(file)
  const bytes = readFileSync(file)
  const { arch, needed, searches, versions } = readElf(bytes)
  const kind = kindOf(name)
  // What is private or newer than any number, as GLIBC_PRIVATE, compares as not a number: told apart, not overlooked.
  const wanted = versions.filter(({ version, weak }) => version.startsWith('GLIBC_') && !weak)
  const numbers = wanted.map(({ version }) => version.slice('GLIBC_'.length).split('.').map(Number))
  const newest = numbers.toSorted(compare).at(-1)
  const faults = []
  if (numbers.some((number) => number.some(Number.isNaN))) faults.push('needs a private part of glibc')
  else if (kind === 'gnu' && newest === undefined) faults.push('needs no glibc at all: is it a gnu build?')
  else if (kind === 'gnu' && compare(newest, FLOOR) > 0) {
    faults.push(`needs glibc ${newest.join('.')}, newer than ${FLOOR.join('.')}`)
  } else if (kind !== 'gnu' && newest !== undefined)
    faults.push(`needs glibc ${newest.join('.')}, and is a ${kind} build`)
  for (const library of needed) if (!ALWAYS_THERE[kind].test(library)) faults.push(`needs ${library}`)
  for (const place of searches) faults.push(`searches ${place} for libraries`)
  return { name, arch, size: bytes.length, needed, glibc: newest?.join('.'), faults }
}

const main = (files) => {
  let failed = false
  for (const file of files) {
    const { name, arch, size, needed, glibc, faults } = inspect(file)
    const floor = glibc === undefined ? 'no glibc' : `glibc ${glibc}`
    console.log(`${name}: ${arch}, ${(size / 1024).toFixed(0)} KiB, ${floor}, needs ${needed.join(' ')}`)
    for (const fault of faults) console.error(`  ${fault}`)
    failed ||= faults.length > 0
  }
  return failed ? 1 : 0
}

if (process.argv[1] === import.meta.filename) {
  let files = process.argv.slice(2)
  if (files.length === 0)
    files = readdirSync(root)
      .filter((name) => name.endsWith('.node'))
      .map((name) => join(root, name))
  if (files.length === 0) {
    console.error('glibc-floor: there is no binary: npm run build:native makes one')
    process.exit(1)
  }
  process.exit(main(files))
}
