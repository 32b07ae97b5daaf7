// npm run proof: packs brood as a release would, installs it as a user would, with every package manager, and uses it in every
// runtime. `--quick` does so with this machine's own npm and Node alone, in some seconds, and is a part of `npm test`.
// `--keep` leaves the projects where they are and says where that is.

import { strict as assert } from 'node:assert'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { succeed } from './proof/command.mjs'
import { checkContents } from './proof/contents.mjs'
import { addSmoke, FORMS, runsTypes, smoke, versionOf } from './proof/engines.mjs'
import { makeProject, npmInstall, packageManagers } from './proof/managers.mjs'
import { packAll } from './proof/pack.mjs'
import { elsewhere, missing, sentence } from './proof/refusals.mjs'
import { startRegistry } from './proof/registry.mjs'
import { makeReport } from './proof/report.mjs'
import { attw, checkTypes, publint, settings } from './proof/types.mjs'
import { build, install, installBeside, root } from './setup.mjs'

const isQuick = process.argv.includes('--quick')
const tools = join(root, 'scripts/proof/tools')

install()
build()
const programs = {}
if (!isQuick) {
  installBeside(tools, 'installing package managers and checkers')
  const { enginePrograms, installPeers } = await import('../bench/harness/peers.mjs')
  installPeers()
  // The oldest that `engines` allows.
  for (const name of ['node-20.19', 'node-22.12']) {
    const program = join(tools, 'node_modules', name, 'bin/node')
    if (existsSync(program)) programs[name] = program
  }
  Object.assign(programs, enginePrograms())
}

const work = mkdtempSync(join(tmpdir(), 'brood-proof-'))
const report = makeReport()
const { prove } = report

const size = (bytes) => `${Math.round(bytes / 1000)} kB`

/** A project with brood in it, by npm, and the smoke test. */
const withNpm = async (name, ...words) => {
  const project = makeProject(work, name)
  await npmInstall(project, registry.url, ...words)
  addSmoke(project)
  return project
}

/** The first program of the README, in a project where only the two tarballs were installed. */
const firstSteps = async () => {
  const [, program] = /```js\n(\/\/ first\.mjs\n[^]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))
  const project = makeProject(work, 'first-steps')
  const start = performance.now()
  await npmInstall(project, nothing.url, packages.main.tarball, packages.host.tarball)
  writeFileSync(join(project.cwd, 'first.mjs'), program)
  const { stdout } = await succeed([process.execPath, 'first.mjs'], project)
  assert.match(stdout, /\S/)
  const time = performance.now() - start
  assert.ok(time < 60_000, 'it takes more than a minute')
  return `${(time / 1000).toFixed(1)} s from npm install to ${JSON.stringify(stdout.trim().split('\n').at(-1))}`
}

const packages = await packAll(work)
const registry = await startRegistry([packages.main, ...packages.platforms])
const nothing = await startRegistry([])
try {
  const { main, host } = packages
  const fitting = new Set([main.manifest.name, host.manifest.name])
  await prove('packages', 'contents', () => {
    checkContents(packages)
    return [main, host]
      .map((one) => `${one.manifest.name} ${size(one.size)}, unpacked ${size(one.unpackedSize)}`)
      .join('; ')
  })
  await prove('packages', 'first steps in the README', firstSteps)

  const byNpm = await withNpm('npm', 'brood')
  await prove('npm', 'the platform package that fits, and no other', () => {
    assert.deepEqual(registry.downloads, fitting)
  })
  await prove('npm', 'the command', async () => {
    const { stdout } = await succeed([join(byNpm.cwd, 'node_modules/.bin/brood'), 'doctor', '--json'], byNpm)
    assert.equal(JSON.parse(stdout).version, main.manifest.version)
  })
  for (const name of isQuick ? settings.slice(0, 1) : settings)
    await prove('types', name, () => checkTypes(byNpm, name))

  const engines = isQuick ? { node: process.execPath } : programs
  for (const [engine, program] of Object.entries(engines)) {
    const version = await versionOf(program, byNpm)
    for (const [form, file] of Object.entries(FORMS)) {
      const subject = /^v\d/.test(version) ? `Node ${version.slice(1)}` : `${engine} ${version}`
      if (!/\.[mc]ts$/.test(file) || runsTypes(engine, version)) {
        await prove(subject, form, async () => `${await smoke(engine, program, file, byNpm)} checks`)
      } else report.skip(subject, form, 'runs no TypeScript; the types were checked above')
    }
  }

  const node = programs['node-26'] ?? process.execPath
  await prove('missing', '--omit=optional', async () =>
    missing(node, await withNpm('omitted', 'brood', '--omit=optional'), registry.url, packages),
  )
  await prove('missing', 'a system that is not supported', async () =>
    elsewhere(node, await withNpm('windows', 'brood', '--os=win32', '--cpu=x64'), 'win32'),
  )

  if (!isQuick) {
    await prove('missing', 'installed for another system', async () =>
      missing(node, await withNpm('foreign', 'brood', '--os=darwin', '--cpu=arm64'), registry.url, packages),
    )
    await prove('publint', 'strict', async () => void (await publint(tools, main, byNpm)))
    await prove('attw', 'every way to resolve', async () => void (await attw(tools, main, byNpm)))
    const omitted = await withNpm('omitted-elsewhere', 'brood', '--omit=optional')
    const expected = await sentence('node', node, omitted)
    for (const engine of ['bun', 'deno'].filter((name) => programs[name] !== undefined)) {
      await prove('missing', `the same sentence under ${engine}`, async () =>
        assert.equal(await sentence(engine, programs[engine], omitted), expected),
      )
    }
    for (const { name, engine = 'node', ignoresLibc, install: add, nodeOptions } of packageManagers(tools, programs)) {
      const project = makeProject(work, name.replaceAll(' ', '-'))
      registry.forget()
      const program = programs[engine] ?? node
      await prove(name, 'install', async () => {
        await add(project, registry.url)
        if (!ignoresLibc) assert.deepEqual(registry.downloads, fitting)
        return [...registry.downloads].join(', ')
      })
      addSmoke(project)
      for (const form of ['ESM', 'CommonJS']) {
        await prove(name, `${form}, ${engine}`, async () => {
          return `${await smoke(engine, program, FORMS[form], project, nodeOptions)} checks`
        })
      }
    }
  }
} finally {
  registry.stop()
  nothing.stop()
  if (process.argv.includes('--keep')) console.log(`The projects: ${work}`)
  else rmSync(work, { recursive: true, force: true })
}

console.log(`\n${report}\n`)
if (report.hasFailed) process.exitCode = 1
