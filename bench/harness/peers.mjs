// What brood is compared with: installed beside the package, never by it.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { resolve } from '../peers/resolve.mjs'
import { sh, step } from '../../scripts/setup.mjs'

const directory = fileURLToPath(new URL('../peers/', import.meta.url))
const native = fileURLToPath(new URL('../native/', import.meta.url))

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

/** Installs what the lock file of bench/peers says. No script of any package is run. */
export const installPeers = () => {
  const lock = `${directory}package-lock.json`
  if (modified(`${directory}node_modules/.package-lock.json`) >= modified(lock)) return
  step('installing what brood is compared with', () =>
    sh('npm', ['ci', '--prefix', directory, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      quiet: true,
    }),
  )
}

/** The native yardstick: a Cargo package of its own. */
export const nativeProgram = `${native}target/release/brood-bench-native`

const build = () =>
  sh(
    'cargo',
    ['build', '--release', '--locked', '--manifest-path', `${native}Cargo.toml`, '--target-dir', `${native}target`],
    { quiet: true },
  )

/** Builds it; cargo knows when there is nothing to do. */
export const buildNative = () => {
  if (existsSync(nativeProgram)) build()
  else step('building the native yardstick', build)
}

const program = (path) =>
  existsSync(`${directory}node_modules/${path}`) ? `${directory}node_modules/${path}` : undefined

const node = (major) => {
  const path = program(`node-${major}/bin/node`)
  return path && { command: [path, '--expose-gc'] }
}

/** How each engine runs a script. Those that are not there on this platform are left out, and the report says so. */
export const engines = () => {
  const bun = program('bun/bin/bun')
  const deno = program('deno/deno')
  const all = {
    ...Object.fromEntries([20, 22, 24, 26].map((major) => [`node-${major}`, node(major)])),
    bun: bun && { command: [bun, 'run', '--no-install'] },
    deno: deno && {
      command: [deno, 'run', '--quiet', '--no-config', '--no-lock', '--allow-all', '--v8-flags=--expose-gc'],
    },
  }
  return Object.fromEntries(Object.entries(all).filter(([, engine]) => engine !== undefined))
}

/** The version of an installed peer. */
export const versionOf = (name) => {
  try {
    return JSON.parse(readFileSync(`${directory}node_modules/${name}/package.json`, 'utf8')).version
  } catch {
    return 'not there'
  }
}

/** Where a module's entry is, as a URL that any subject can import: brood's own, or a peer's. */
export const moduleUrl = (name) => (name === 'brood' ? import.meta.resolve(name) : resolve(name))
