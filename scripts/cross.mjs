// node scripts/cross.mjs [--lint] [--out DIRECTORY] TARGET …: builds what is published for these targets, on any Linux, macOS
// or FreeBSD machine; with --lint, only lints the code as each target sees it (which needs no linker). A target is a Rust
// triple or the name of its npm package; without any, all of them.
//
// The binaries land in DIRECTORY (else target/platforms) as brood.<name>.node. For Linux and FreeBSD they are linked by zig,
// which has each C library in each version: nothing of this machine's own gets in. `pip install ziglang cargo-zigbuild`.

import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { inspect } from './glibc-floor.mjs'
import { cargo, hasZig, output, standardLibrary, targetDirectory, withoutLibrary } from './platforms/rust.mjs'
import { TARGETS } from './platforms/targets.mjs'
import { root } from './setup.mjs'

/**
 * Lints the whole workspace as a target sees it; where the toolchain has no clippy, type-checks it.
 *
 * @returns {{ ok: boolean, text: string, by: string }}
 */
export const lint = (target, options) => {
  const workspace = ['--locked', '--workspace', '--all-targets']
  if (output('cargo', ['clippy', '--version'], standardLibrary(target.triple).env) === undefined) {
    return { ...cargo(target, ['check', ...workspace], options), by: 'rustc' }
  }
  return { ...cargo(target, ['clippy', ...workspace], { ...options, after: ['-D', 'warnings'] }), by: 'clippy' }
}

/**
 * Builds a target's binary.
 *
 * @returns {{ ok: boolean, text: string, file?: string }}
 */
export const build = (target, directory, options) => {
  // A Mac's own linker signs what it makes; BSD's is right there.
  const own = target.os === process.platform && target.os !== 'linux'
  if (!own && !hasZig()) return { ok: false, text: 'there is no cargo-zigbuild: pip install ziglang cargo-zigbuild' }
  const words = ['--locked', '--release', '--package', 'brood-node']
  const built = own
    ? cargo(target, ['build', ...words], options)
    : cargo(target, ['zigbuild', ...words], { ...options, triple: target.linked })
  if (!built.ok) return built
  const file = join(directory, `brood.${target.name}.node`)
  mkdirSync(directory, { recursive: true })
  const library = `libbrood_node.${target.os === 'darwin' ? 'dylib' : 'so'}`
  copyFileSync(join(targetDirectory, target.triple, 'release', library), file)
  return { ...built, file }
}

const main = () => {
  const { values, positionals } = parseArgs({
    options: { lint: { type: 'boolean', default: false }, out: { type: 'string' } },
    allowPositionals: true,
  })
  const unknown = positionals.filter((word) => !TARGETS.some(({ triple, name }) => word === triple || word === name))
  if (unknown.length > 0) {
    console.error(
      `cross: no such target: ${unknown.join(', ')}. There are: ${TARGETS.map(({ name }) => name).join(', ')}`,
    )
    return 2
  }
  const wanted = TARGETS.filter(({ triple, name }) => positionals.includes(triple) || positionals.includes(name))
  const faults = []
  for (const target of positionals.length === 0 ? TARGETS : wanted) {
    console.log(`• ${target.name}`)
    if (standardLibrary(target.triple).from === undefined) {
      faults.push(`${target.name}: ${withoutLibrary(target.triple)}`)
      continue
    }
    const { ok, text, file } = values.lint ? lint(target) : build(target, values.out ?? join(root, 'target/platforms'))
    if (!ok) faults.push(`${target.name}: ${text || 'cargo failed'}`)
    if (file === undefined) continue
    console.log(`  ${file}`)
    // Only these are ELF files; what a Mach-O needs, `otool -L` tells.
    if (target.os !== 'darwin') faults.push(...inspect(file).faults.map((fault) => `${target.name} ${fault}`))
  }
  for (const fault of faults) console.error(`cross: ${fault}`)
  return faults.length > 0 ? 1 : 0
}

if (process.argv[1] === import.meta.filename) process.exitCode = main()
