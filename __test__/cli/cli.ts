import { fileURLToPath } from 'node:url'

import { runNode, type Ended } from '../helpers/fixture.ts'

/** The command as it is built. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Runs `brood` with its output in pipes. */
export const brood = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runNode([MAIN, ...args], { env: { ...process.env, ...env } })
