// The packages, made exactly as a release makes them: by `napi create-npm-dirs`, `artifacts` and `prepublish`, and by
// `npm pack`. In a copy, because those change package.json.
//
// What differs from a release: there is one real binary, this machine's. The other platform packages hold a placeholder; no
// package manager has a reason to download one here, and the registry of the proof sees to it that none did.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { root } from '../setup.mjs'
import { succeed } from './command.mjs'

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** What is published stands in the package.json; what npm adds by itself stands here. */
const ALWAYS = ['package.json', 'README.md', 'LICENSE']

const load = createRequire(import.meta.url)

/** The name of the platform that we are on, e.g. `linux-x64-gnu`: of the binaries in the root directory, the one that loads. */
export const hostBuild = () =>
  readdirSync(root)
    .map((name) => /^brood\.(.+)\.node$/.exec(name)?.[1])
    .find((build) => {
      try {
        return build !== undefined && load(join(root, `brood.${build}.node`))
      } catch {
        return false
      }
    })

/** Puts a binary for each build where a release has them from its build jobs. */
const fillArtifacts = (stage, builds) => {
  const host = hostBuild()
  mkdirSync(join(stage, 'artifacts'))
  for (const build of builds) {
    const file = `brood.${build}.node`
    if (build === host) cpSync(join(root, file), join(stage, 'artifacts', file))
    else writeFileSync(join(stage, 'artifacts', file), `a placeholder for ${build}, of ${import.meta.filename}\n`)
  }
}

/** Packs directories, all at once. */
const pack = async (directories, destination) => {
  const command = ['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', destination, ...directories]
  const { stdout } = await succeed(command, { cwd: destination })
  return Object.values(JSON.parse(stdout)).map(({ filename, files, size, unpackedSize }, index) => {
    const manifest = readJson(join(directories[index], 'package.json'))
    return { manifest, tarball: join(destination, filename), files: files.map(({ path }) => path), size, unpackedSize }
  })
}

/** Packs the main package and all platform packages into a directory. */
export const packAll = async (work) => {
  const stage = join(work, 'stage')
  const tarballs = join(work, 'tarballs')
  mkdirSync(stage)
  mkdirSync(tarballs)
  const { files } = readJson(join(root, 'package.json'))
  for (const name of [...ALWAYS, ...files.filter((pattern) => !pattern.startsWith('!'))]) {
    if (!existsSync(join(root, name))) throw new Error(`package.json publishes "${name}", which is not there`)
    cpSync(join(root, name), join(stage, name), { recursive: true })
  }
  const napi = (...args) => succeed([join(root, 'node_modules/.bin/napi'), ...args], { cwd: stage, home: work })
  await napi('create-npm-dirs')
  const builds = readdirSync(join(stage, 'npm'))
  fillArtifacts(stage, builds)
  await napi('artifacts', '--output-dir', 'artifacts')
  // Without the two options it would publish.
  await napi('prepublish', '--tag-style', 'npm', '--skip-optional-publish', '--no-gh-release')
  const [main, ...others] = await pack([stage, ...builds.map((build) => join(stage, 'npm', build))], tarballs)
  const platforms = builds.map((build, index) => ({ build, ...others[index] }))
  return { main, platforms, host: platforms.find(({ build }) => build === hostBuild()) }
}
