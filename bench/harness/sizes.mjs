// What an installation takes.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { format } from './format.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const peers = fileURLToPath(new URL('../peers/node_modules/', import.meta.url))

const sizeOf = (path) => {
  const found = statSync(path)
  if (!found.isDirectory()) return found.size
  return readdirSync(path).reduce((sum, name) => sum + (name === 'node_modules' ? 0 : sizeOf(join(path, name))), 0)
}

/** A package and all that it depends on, as far as it is there: what is not is for another platform. */
const closure = (name, seen = new Set()) => {
  if (seen.has(name)) return seen
  let manifest
  try {
    manifest = JSON.parse(readFileSync(`${peers}${name}/package.json`, 'utf8'))
  } catch {
    return seen
  }
  seen.add(name)
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    closure(dependency, seen)
  }
  return seen
}

/** What `npm pack` would put into the package, and the binary for this platform, which has a package of its own. */
const broodSize = () => {
  const pack = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
  })
  // An array of packages, or since npm 12 an object of them by name.
  const [{ unpackedSize }] = Object.values(JSON.parse(pack))
  const binary = readdirSync(root).find((name) => name.endsWith('.node'))
  return { script: unpackedSize, binary: statSync(join(root, binary)).size }
}

/** The table of sizes, and the figures in it. */
export const installedSizes = () => {
  const { script, binary } = broodSize()
  const rows = [
    ['brood', 2, script + binary],
    ...['execa', 'nano-spawn', 'tinyexec', '@lydell/node-pty'].map((name) => {
      const packages = [...closure(name)]
      return [name, packages.length, packages.reduce((sum, each) => sum + sizeOf(`${peers}${each}`), 0)]
    }),
  ]
  const table = [
    '| | packages | installed |',
    '| --- | --: | --: |',
    ...rows.map(([name, packages, bytes]) => `| ${name} | ${packages} | ${format(bytes, 'bytes')} |`),
  ].join('\n')
  return {
    text: `${table}\n\nbrood’s binary is ${format(binary, 'bytes')} of that.`,
    figures: { binary, script, ...Object.fromEntries(rows.map(([name, , bytes]) => [name, bytes])) },
  }
}
