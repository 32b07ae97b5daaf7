// What a fresh clone needs before anything can run: dependencies, the native part, the TypeScript. Plain Node, because
// nothing is installed yet. Each step does nothing where nothing has changed.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs a command with our stdio; ends the program with its exit code if it fails. */
export const sh = (command, args, { env = {}, quiet = false } = {}) => {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: quiet ? 'pipe' : 'inherit',
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status === 0) return
  if (quiet) process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`)
  if (error !== undefined) console.error(`${command}: ${error.message}`)
  console.error(`\nfailed: ${[command, ...args].join(' ')}${signal === null ? '' : ` (${signal})`}`)
  process.exit(status || 1)
}

/** Tells what is being done and how long it took. */
export const step = (name, work) => {
  const start = performance.now()
  process.stderr.write(`• ${name} …\n`)
  work()
  process.stderr.write(`  ${name}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`)
}

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

/** When a file below any of these places was last changed. */
const newest = (places) => {
  let latest = 0
  const visit = (path) => {
    const found = statSync(path)
    if (!found.isDirectory()) latest = Math.max(latest, found.mtimeMs)
    else for (const name of readdirSync(path)) visit(join(path, name))
  }
  for (const place of places) visit(join(root, place))
  return latest
}

/** Not `npm ci`, which refuses a lock file that does not list the binaries for every other platform (npm/cli#4828). */
const INSTALL = ['install', '--no-audit', '--no-fund']

/** Installs what package-lock.json says, unless that is there already. */
export const install = () => {
  if (modified(join(root, 'node_modules/.package-lock.json')) >= modified(join(root, 'package-lock.json'))) return
  step('installing the development dependencies', () => sh('npm', INSTALL, { quiet: true }))
}

/** Installs what the lock file of a directory of ours says, which is no part of the package. No script of any is run. */
export const installBeside = (directory, title) => {
  const lock = modified(join(directory, 'package-lock.json'))
  if (modified(join(directory, 'node_modules/.package-lock.json')) >= lock) return
  step(title, () => sh('npm', [...INSTALL, '--prefix', directory, '--ignore-scripts', '--no-save'], { quiet: true }))
}

/** Builds the native part and the TypeScript, where a source is newer than what was built of it. */
export const build = () => {
  const sources = [
    'crate/core/src',
    'crate/core/build.rs',
    'crate/core/Cargo.toml',
    'crate/node',
    'Cargo.toml',
    'Cargo.lock',
  ]
  const binary = readdirSync(root).find((name) => name.endsWith('.node'))
  if (binary === undefined || newest(sources) > modified(join(root, binary))) {
    step('building the native part', () => sh('npm', ['run', '--silent', 'build:native'], { quiet: true }))
  }
  const typescript = ['index.ts', 'src', 'binding.d.cts', 'package.json', 'tsconfig.json', 'tsconfig.build.json']
  // What is written last: the compiler leaves its own note as it is where a change makes no difference to it.
  if (newest(typescript) > modified(join(root, 'dist/cli/main.js'))) {
    step('building the TypeScript', () => sh('npm', ['run', '--silent', 'build:typescript']))
  }
}
