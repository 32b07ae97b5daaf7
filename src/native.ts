import { createRequire } from 'node:module'

import type * as Binding from '#binding'

export type { BindingAdoption, BindingEnvironment, BindingFailure } from '#binding'

/** The builds that can be right for this machine, the likely one first: which C library it has is told by what loads. */
const builds = (): string[] => {
  const { platform, arch } = process
  return platform === 'linux' ? [`linux-${arch}-gnu`, `linux-${arch}-musl`] : [`${platform}-${arch}`]
}

const explain = (): string => {
  if (process.platform === 'win32') return 'It needs a Unix: Linux, macOS or FreeBSD.'
  const packages = builds().map((build) => `@brood/binding-${build}`)
  return (
    `It comes in an optional dependency, ${packages.join(' or ')}, which is missing when npm was told to leave optional ` +
    'dependencies out (--omit=optional), or when the lock file was made on another platform: remove node_modules and ' +
    'package-lock.json, and install again.'
  )
}

/** A loader of our own: a generated one that knows every platform there is takes longer than all the rest of brood. */
const load = (): typeof Binding => {
  const require = createRequire(import.meta.url)
  const errors: unknown[] = []
  for (const build of builds()) {
    // Where brood itself is built, the binary lies beside package.json; where it is installed, in a package of its own.
    for (const place of [`#root/brood.${build}.node`, `@brood/binding-${build}`]) {
      try {
        return require(place) as typeof Binding
      } catch (error) {
        errors.push(error)
      }
    }
  }
  const cause = new AggregateError(errors, 'none of the places had it')
  throw new Error(`brood cannot load its native part for ${process.platform} ${process.arch}. ${explain()}`, { cause })
}

/** The native part. No other file imports it. */
export const binding = load()

/** Numbers in a row of {@link Binding.BindingEnvironment.take}; `crate/node/src/record.rs` has the same layout. */
export const ROW = 23

/** What a row is about: its first number. */
export const HAPPENED = { ended: 0, notExecuted: 1, lost: 2, exec: 3, output: 4, signal: 5 } as const

/** Bits of a row's fourth number. */
export const FLAG = { reaped: 1, hasLeftovers: 2, coreDumped: 4, maxRssIsOwn: 8, adopted: 16 } as const
