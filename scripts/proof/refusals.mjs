// What a user reads where brood cannot run, and whether the advice in it is any good.

import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { failing, smoke } from './engines.mjs'
import { npmInstall } from './managers.mjs'

const importing = {
  ESM: ['import.mjs', "import 'brood'\n"],
  CommonJS: ['require.cjs', "require('brood')\n"],
}

/** Imports brood where it cannot work, and returns the sentence. */
export const sentence = async (engine, program, project, form = 'ESM', options = []) => {
  const [file, source] = importing[form]
  writeFileSync(join(project.cwd, file), source)
  const printed = await failing(engine, program, file, project, options)
  const found = /(?:Error|error): (brood .*\.)$/m.exec(printed)
  assert.ok(found, `no sentence of ours in:\n${printed}`)
  return found[1]
}

/** The platform package is missing: the sentence names it, and what it says to run makes brood work. */
export const missing = async (program, project, registry, { main, host }) => {
  const said = await sentence('node', program, project)
  assert.equal(await sentence('node', program, project, 'CommonJS'), said)
  const command = /run "(npm install (\S+))"/.exec(said)
  assert.equal(command?.[2], `${host.manifest.name}@${main.manifest.version}`, said)
  await npmInstall(project, registry, command[2])
  await smoke('node', program, 'smoke.mjs', project)
  return said
}

/** A machine that there is no build for: the tree was installed, and the import says what there is. */
export const elsewhere = async (program, project, platform) => {
  const pretend = `data:text/javascript,Object.defineProperty(process,'platform',{value:${JSON.stringify(platform)}})`
  const said = await sentence('node', program, project, 'ESM', ['--import', pretend])
  assert.match(said, /^brood \S+ does not run on Windows \S+: there are builds for Linux .+, macOS .+, FreeBSD .+\.$/)
  return said
}
