// node scripts/publish.mjs [--dry-run]: publishes the platform packages, then the main one, which must never be there without
// them. What is published already is left alone if it is the same, byte for byte, and stops everything if it is not: run
// again after a failure, it goes on where it was.

import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { root } from './setup.mjs'

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } })

/** Runs npm and returns what it wrote. What a script prints is not to be mixed up with that, so none is run. */
const npm = (cwd, ...args) => {
  const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (error !== undefined) throw error
  return { ok: status === 0, stdout, stderr }
}

/** The checksum of what would be published. */
const local = (directory) => {
  const { ok, stdout, stderr } = npm(directory, 'pack', '--dry-run', '--json', '--ignore-scripts')
  if (!ok) throw new Error(`npm pack in ${directory}: ${stderr}`)
  const [{ integrity }] = Object.values(JSON.parse(stdout))
  return integrity
}

/** The checksum of what is published, `undefined` if there is nothing. */
const published = (id) => {
  const { ok, stdout, stderr } = npm(root, 'view', id, 'dist.integrity', '--json', '--loglevel=error')
  if (ok) return stdout.trim() === '' ? undefined : JSON.parse(stdout)
  // Anything else, as a network that fails, says nothing about it.
  if (`${stdout}${stderr}`.includes('E404')) return undefined
  throw new Error(`npm view ${id}: ${stderr}`)
}

const platforms = readdirSync(join(root, 'npm'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => join(root, 'npm', name))

// All are looked at before the first is published.
const plan = [...platforms, root].map((directory) => {
  const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const id = `${name}@${version}`
  const there = published(id)
  if (there !== undefined && there !== local(directory)) {
    throw new Error(`${id} is published already, with other contents: a version is for ever, take the next one`)
  }
  return { id, directory, isThere: there !== undefined }
})
for (const { id, directory, isThere } of plan) {
  if (isThere) {
    console.log(`${id}: published before`)
    continue
  }
  const dry = values['dry-run'] ? ['--dry-run'] : []
  const { ok, stderr } = npm(directory, 'publish', '--ignore-scripts', '--access=public', ...dry)
  if (!ok) throw new Error(`npm publish of ${id}: ${stderr}`)
  console.log(`${id}: ${values['dry-run'] ? 'would be published' : 'published'}`)
}
