import { fileURLToPath } from 'node:url'

import type * as Binding from '#binding'

import { fs, module } from './builtins.ts'
import { explainMissing, thisMachine, type Attempt, type Manifest } from './missing.ts'

export type { BindingFailure } from '#binding'

/** The builds that can be right for this machine, the likely one first: which C library it has is told by what loads. */
const builds = (): string[] => {
  const { platform, arch } = process
  return platform === 'linux' ? [`linux-${arch}-gnu`, `linux-${arch}-musl`] : [`${platform}-${arch}`]
}

/** Beside package.json, where brood itself is built. From there the library's bundle is one folder deep, the command's two. */
const builtHere = (build: string): string | undefined =>
  ['..', '../..']
    .map((folder) => fileURLToPath(new URL(`${folder}/brood.${build}.node`, import.meta.url)))
    .find((path) => fs.existsSync(path))

/** A loader of our own: a generated one that knows every platform there is takes longer than all the rest of brood. */
const load = (): typeof Binding => {
  const require = module.createRequire(import.meta.url)
  const attempts: Attempt[] = []
  for (const build of builds()) {
    try {
      // Looked for, and not just tried: a module that is not there takes Node a millisecond to tell.
      return require(builtHere(build) ?? `@brood/binding-${build}`) as typeof Binding
    } catch (error) {
      // Deno's permissions: its own sentence says which one to give.
      if (error instanceof Error && error.name === 'NotCapable') throw error
      attempts.push({ build, error })
    }
  }
  const message = explainMissing(thisMachine(), require('#root/package.json') as Manifest, attempts)
  const errors = attempts.map(({ error }) => error)
  throw new Error(message, { cause: new AggregateError(errors, 'none of them loads') })
}

/** The native part. No other file imports it. */
export const binding = load()

/** Numbers in a row of {@link Binding.take}; `crate/node/src/record.rs` has the same layout. */
export const ROW = 23

/** What a row is about: its first number. */
export const HAPPENED = { ended: 0, notExecuted: 1, lost: 2, exec: 3, output: 4, signal: 5 } as const

/** Bits of a row's fourth number. */
export const FLAG = { reaped: 1, hasLeftovers: 2, coreDumped: 4, maxRssIsOwn: 8, adopted: 16 } as const
