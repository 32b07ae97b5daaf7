// Runs cargo for another system or architecture: with the standard library that rustup installed for it, or else with one
// that cargo builds from its source (which needs no download, where a distribution packages it).

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

import { root } from '../setup.mjs'

/** Where the programs of this target's build end up. */
export const targetDirectory = process.env.CARGO_TARGET_DIR ?? join(root, 'target')

/** A command's output, or `undefined` if it failed or is not there. */
export const output = (command, args, env = {}) => {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return status === 0 ? stdout.trim() : undefined
}

/** Where scripts/platforms/debian-rust.sh puts a toolchain; asked for what the usual one lacks. */
const DEBIAN = join(root, 'target/debian-rust/bin')

const libraryIn = (triple, env) => {
  const libraries = output('rustc', ['--print', 'target-libdir', '--target', triple], env)
  const isThere = libraries !== undefined && existsSync(libraries)
  if (isThere && readdirSync(libraries).some((name) => name.startsWith('libstd-'))) return 'installed'
  const sysroot = output('rustc', ['--print', 'sysroot'], env)
  if (sysroot === undefined) return undefined
  return existsSync(join(sysroot, 'lib/rustlib/src/rust/library/Cargo.toml')) ? 'source' : undefined
}

/**
 * Where a target's standard library comes from, `installed`, `source` or `undefined` (nowhere), and the environment with the
 * toolchain that has it.
 *
 * @param {string} triple
 */
export const standardLibrary = (triple) => {
  const environments = [{}, { PATH: `${DEBIAN}${delimiter}${process.env.PATH}` }]
  for (const env of existsSync(DEBIAN) ? environments : [{}]) {
    const from = libraryIn(triple, env)
    if (from !== undefined) return { from, env }
  }
  return { from: undefined, env: {} }
}

/** What to do about a target without a standard library. */
export const withoutLibrary = (triple) =>
  `Rust has no standard library for ${triple} here: run "rustup target add ${triple}", or have cargo build it from its ` +
  'source: "rustup component add rust-src", or scripts/platforms/debian-rust.sh for a toolchain of Debian\'s'

/** Whether `cargo zigbuild` can be called; `pip install ziglang cargo-zigbuild` brings it. */
export const hasZig = () => output('cargo-zigbuild', ['--version']) !== undefined

/** The environment in which cargo-zigbuild finds the zig that pip installed beside it, in a virtual environment as well. */
const zig = () => {
  const { PATH = '', CARGO_ZIGBUILD_ZIG_PATH } = process.env
  if (CARGO_ZIGBUILD_ZIG_PATH !== undefined) return {}
  for (const place of PATH.split(delimiter).filter((directory) => existsSync(join(directory, 'cargo-zigbuild')))) {
    const python = join(dirname(place), 'bin/python')
    const file = output(python, ['-c', 'import ziglang, os; print(os.path.join(ziglang.__path__[0], "zig"))'])
    if (file !== undefined) return { CARGO_ZIGBUILD_ZIG_PATH: file }
  }
  return {}
}

/**
 * Runs cargo for a target.
 *
 * @param {import('./targets.mjs').Target} target
 * @param {string[]} words the command and its options, without the target
 * @param {{ triple?: string, after?: string[], quiet?: boolean }} [options] `triple`: as this command wants it;
 *   `after`: what follows `--`
 * @returns {{ ok: boolean, text: string }} whether it went well, and what it wrote if it is quiet
 */
export const cargo = (target, words, { triple = target.triple, after = [], quiet = false } = {}) => {
  const library = standardLibrary(target.triple)
  const env = { ...process.env, ...zig(), ...library.env }
  const args = [...words, '--target', triple]
  if (library.from === 'source') {
    args.push('-Zbuild-std=std,panic_unwind')
    env.RUSTC_BOOTSTRAP = '1'
  }
  // An addon is linked dynamically, and Rust's musl targets are static unless told.
  if (target.triple.endsWith('-musl')) {
    env[`CARGO_TARGET_${target.triple.toUpperCase().replaceAll('-', '_')}_RUSTFLAGS`] = '-C target-feature=-crt-static'
  }
  // The oldest that Node 20 and 22 run on.
  if (target.os === 'darwin') env.MACOSX_DEPLOYMENT_TARGET ??= '11.0'
  if (after.length > 0) args.push('--', ...after)
  const { status, stdout, stderr, error } = spawnSync('cargo', args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
  })
  return { ok: status === 0, text: error?.message ?? `${stdout ?? ''}${stderr ?? ''}` }
}
