// The smoke test in each runtime, in each way that it can get at brood.

import { strict as assert } from 'node:assert'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { execute, succeed } from './command.mjs'

/** The ways to a package: a module, CommonJS, and both in TypeScript, whose types the runtime strips. */
export const FORMS = {
  ESM: 'smoke.mjs',
  CommonJS: 'smoke.cjs',
  'TypeScript, ESM': 'smoke.mts',
  'TypeScript, CommonJS': 'smoke.cts',
}

/** How an engine runs a script. */
const command = (engine, program, options = []) => {
  if (engine === 'deno') return [program, 'run', '--quiet', '--allow-all', ...options]
  // Not what it may find on the network for what is not installed.
  if (engine === 'bun') return [program, 'run', '--no-install', ...options]
  return [program, ...options]
}

/** What an engine says it is. */
export const versionOf = async (program, project) =>
  (await succeed([program, '--version'], project)).stdout.split('\n')[0].replace(/^deno |\s.*$/g, '')

/** Whether it runs TypeScript: Node does from 22.18 on, without a flag. */
export const runsTypes = (engine, version) => {
  if (engine === 'bun' || engine === 'deno') return true
  const [major, minor] = version.slice(1).split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
}

/** Puts the smoke test into a project. */
export const addSmoke = ({ cwd }) => cpSync(join(import.meta.dirname, 'smoke'), cwd, { recursive: true })

const isAlive = (pid) => {
  if (existsSync('/proc/self/stat')) {
    if (!existsSync(`/proc/${pid}/stat`)) return false
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
  }
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Node 22.12 requires ES modules and says, each time, that this is an experiment; 22.13 does not say so any more. */
const REQUIRE_WARNING =
  /\(node:\d+\) ExperimentalWarning: CommonJS module .+ is loading ES Module .+\nSupport for .+\n(\(Use .+\n)?/g

/** Runs one form of it: it has to succeed, to end by itself, and to leave nobody behind. */
export const smoke = async (engine, program, file, project, options) => {
  const env = { DENO_NO_UPDATE_CHECK: '1' }
  const { stdout, stderr } = await succeed([...command(engine, program, options), file], {
    ...project,
    env,
    deadline: 60_000,
  })
  assert.equal(stderr.replace(REQUIRE_WARNING, ''), '', `${file} printed to stderr`)
  const { checks, last } = JSON.parse(stdout)
  for (let left = 200; isAlive(last); left--) {
    assert.ok(left > 0, `the child ${last} with killOnDrop has outlived its program`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return checks
}

/** Runs a program that is to fail, and says what it printed. */
export const failing = async (engine, program, file, project, options) => {
  const ended = await execute([...command(engine, program, options), file], project)
  assert.notEqual(ended.code, 0, `${file} was to fail`)
  return ended.stdout + ended.stderr
}
