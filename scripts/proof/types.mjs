// What TypeScript makes of the package, and what those say who know what goes wrong with packages.

import { strict as assert } from 'node:assert'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../setup.mjs'
import { succeed } from './command.mjs'

/** How a user may have set TypeScript up, with the programs that can be written then. Declarations are checked, too. */
const SETTINGS = {
  nodenext: { files: ['smoke.mts', 'smoke.cts'], options: { module: 'nodenext' } },
  bundler: { files: ['smoke.mts'], options: { module: 'preserve', moduleResolution: 'bundler' } },
}

/** Checks a project's programs. TypeScript and Node's types are ours: the project's registry has brood alone. */
export const checkTypes = async (project, name) => {
  mkdirSync(join(project.cwd, 'node_modules/@types'), { recursive: true })
  const link = join(project.cwd, 'node_modules/@types/node')
  try {
    symlinkSync(join(root, 'node_modules/@types/node'), link)
  } catch (error) {
    assert.equal(error.code, 'EEXIST')
  }
  const { files, options } = SETTINGS[name]
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  }
  const config = join(project.cwd, `tsconfig.${name}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions, files }))
  await succeed([process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '--project', config], project)
}

export const settings = Object.keys(SETTINGS)

/** publint, with its suggestions, on the tarball. */
export const publint = (tools, { tarball }, project) =>
  succeed([process.execPath, join(tools, 'node_modules/publint/src/cli.js'), tarball, '--strict'], project)

/**
 * Are the types wrong? On the tarball, in every way that TypeScript knows to find them.
 *
 * That require() gets an ES module is no fault: every Node from 20.19 on can, and `engines` says that it takes one.
 */
export const attw = (tools, { tarball }, project) =>
  succeed(
    [
      process.execPath,
      join(tools, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
      tarball,
      '--ignore-rules=cjs-resolves-to-esm',
      '--no-emoji',
    ],
    project,
  )
