import { createRequire } from 'node:module'

import type * as Binding from '#binding'

export type { BindingAdoption, BindingEnvironment, BindingFailure } from '#binding'

const load = (): typeof Binding => {
  try {
    // Not an import statement: its failure could not be explained.
    return createRequire(import.meta.url)('#binding') as typeof Binding
  } catch (error) {
    const { platform, arch } = process
    const hint =
      platform === 'win32'
        ? 'brood needs a Unix: Linux, macOS or FreeBSD.'
        : `Its binary comes in an optional dependency named @brood/binding-${platform}-${arch} (on Linux with -gnu or -musl behind). ` +
          'It is missing when npm was told to leave optional dependencies out (--omit=optional), or when the lock file ' +
          'was made on another platform: remove node_modules and install again.'
    throw new Error(`brood cannot load its native part for ${platform} ${arch}. ${hint}`, { cause: error })
  }
}

/** The native part. No other file imports it. */
export const binding = load()

/** Numbers in a row of {@link Binding.BindingEnvironment.take}; `crate/node/src/record.rs` has the same layout. */
export const ROW = 23

/** What a row is about: its first number. */
export const HAPPENED = { ended: 0, notExecuted: 1, lost: 2, exec: 3, output: 4 } as const

/** Bits of a row's fourth number. */
export const FLAG = { reaped: 1, hasLeftovers: 2, coreDumped: 4, maxRssIsOwn: 8, adopted: 16 } as const
