// Where figures come from: they mean nothing without it.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'

import { versionOf } from './peers.mjs'

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : 'unknown')

const output = (command, args) => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

/** What the figures were measured on and with. */
export const describeMachine = async (root) => {
  const commit = output('git', ['-C', root, 'describe', '--always', '--dirty', '--abbrev=12'])
  const engines = ['node-20', 'node-22', 'node-24', 'node-26', 'bun', 'deno']
  const libraries = ['execa', 'nano-spawn', 'tinyexec', 'tree-kill', 'ps-list', 'pidtree', '@lydell/node-pty']
  return {
    date: new Date().toISOString().slice(0, 10),
    load: loadavg()[0],
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: output('uname', ['-srm']).replaceAll(/-[^ ]*/g, ''),
    hugePages: /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled'))?.[1] ?? 'unknown',
    brood: `${JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).version} (${commit})`,
    rustc: output('rustc', ['--version']),
    versions: Object.fromEntries([...engines, ...libraries].map((name) => [name, versionOf(name)])),
  }
}
