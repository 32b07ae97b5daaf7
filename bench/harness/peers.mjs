// What brood is compared with: installed beside the package, never by it.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { resolve } from '../peers/resolve.mjs'
import { installBeside, sh, step } from '../../scripts/setup.mjs'

const directory = fileURLToPath(new URL('../peers/', import.meta.url))
const native = fileURLToPath(new URL('../native/', import.meta.url))

/** Installs them. */
export const installPeers = () => installBeside(directory, 'installing what brood is compared with')

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

const MAJORS = [20, 22, 24, 26]

/** Where the engines' programs are, by their names. Those that are not there on this platform are left out. */
export const enginePrograms = () => {
  const all = {
    ...Object.fromEntries(MAJORS.map((major) => [`node-${major}`, program(`node-${major}/bin/node`)])),
    bun: program('bun/bin/bun'),
    deno: program('deno/deno'),
  }
  return Object.fromEntries(Object.entries(all).filter(([, path]) => path !== undefined))
}

/** What comes between an engine's program and a script that is measured. */
const ARGUMENTS = {
  bun: ['run', '--no-install'],
  deno: ['run', '--quiet', '--no-config', '--no-lock', '--allow-all', '--v8-flags=--expose-gc'],
}

/** How each engine runs a script. Those that are not there on this platform are left out, and the report says so. */
export const engines = () =>
  Object.fromEntries(
    Object.entries(enginePrograms()).map(([name, path]) => [
      name,
      { command: [path, ...(ARGUMENTS[name] ?? ['--expose-gc'])] },
    ]),
  )

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
