import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import * as brood from 'brood'

import { runNode } from './helpers/fixture.ts'

/** Everything that has a value at run time. Types are `types/api.test-d.ts`' business. */
const EXPORTS = [
  'AbortError',
  'Child',
  'ExitError',
  'ExitStatus',
  'Hierarchy',
  'HierarchyError',
  'MaxBufferError',
  'Process',
  'ProcessBuilder',
  'ProcessGroup',
  'Session',
  'SpawnError',
  'Thread',
  'ThreadBuilder',
  'TimeoutError',
  'WaitError',
  'adoptOrphans',
  'capabilities',
  'orphanQueue',
  'processTree',
  'run',
  'spawn',
]

test('it exports at least what is promised', (t) => {
  const found = Object.keys(brood)
  for (const name of EXPORTS) t.true(found.includes(name), name)
  t.false(found.includes('default'))
})

test('import() and require() give the same', async (t) => {
  const script = `import('brood').then((imported) => {
    const required = require('brood')
    console.log(Object.keys(imported).length > 0, Object.keys(imported).every((name) => imported[name] === required[name]))
  })`
  const { stdout, code, stderr } = await runNode(['--no-warnings', '-e', script])
  t.is(stderr, '')
  t.is(code, 0)
  t.is(stdout, 'true true\n')
})

test('what is inside is not reached from outside', async (t) => {
  for (const path of ['brood/dist/index.js', 'brood/binding.cjs', 'brood/src/child.ts', 'brood/dist/src/child.js']) {
    await t.throwsAsync(import(path), { any: true, code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }, path)
  }
})

test('package.json can be imported', async (t) => {
  const { stdout } = await runNode(['-e', `console.log(require('brood/package.json').name)`])
  t.is(stdout, 'brood\n')
})

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T

test('there is one version number', (t) => {
  const { version } = readJson<{ version: string }>('package.json')
  t.regex(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/)
  const lock = readJson<{ version: string; packages: Record<string, { version: string }> }>('package-lock.json')
  t.deepEqual([lock.version, lock.packages['']?.version], [version, version])
  // The crates are not published; theirs says nothing, and nobody has to keep it up.
  t.regex(readFileSync('Cargo.toml', 'utf8'), /^version = "0\.0\.0"$/m)
  for (const crate of ['core', 'node']) {
    t.regex(readFileSync(`crate/${crate}/Cargo.toml`, 'utf8'), /^version\.workspace = true$/m, crate)
  }
  t.regex(readFileSync('CHANGELOG.md', 'utf8'), new RegExp(`^## (Unreleased|${version.replaceAll('.', '\\.')})`, 'm'))
})

test('it is installed anywhere, without running anything', (t) => {
  const manifest = readJson<Record<string, unknown> & { scripts: Record<string, string> }>('package.json')
  for (const field of ['os', 'cpu', 'libc', 'dependencies', 'optionalDependencies'])
    t.is(manifest[field], undefined, field)
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) t.is(manifest.scripts[script], undefined)
  t.is(manifest.sideEffects, false)
})

test('the source maps lead to the sources that are published', (t) => {
  const { sources, sourcesContent } = readJson<{ sources: string[]; sourcesContent?: unknown }>('dist/index.js.map')
  t.is(sourcesContent, undefined)
  t.true(sources.includes('../src/child.ts'))
  for (const source of sources) t.true(existsSync(new URL(`../dist/${source}`, import.meta.url)), source)
})

test('index.ts holds re-exports and nothing else', (t) => {
  const rest = readFileSync('index.ts', 'utf8')
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/\/\/.*/g, '')
    .replaceAll(/export (type )?(\*|\{[^}]*\}) from '[^']+'/g, '')
  t.is(rest.trim(), '')
})

test('loading it starts no process and prints nothing', async (t) => {
  const { stdout, stderr, code } = await runNode(['-e', `import('brood')`])
  t.is(stdout + stderr, '')
  t.is(code, 0)
})
