import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

import { runNode, type Ended } from '../helpers/fixture.ts'

/** The command as it is built. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Runs `brood` with its output in pipes. */
export const brood = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runNode([MAIN, ...args], { env: { ...process.env, ...env } })

/** A call that is wrong ends with 1 and one message on stderr, without a stack. */
export const isToldWhatIsWrong = async (
  t: ExecutionContext,
  args: readonly string[],
  message: RegExp,
): Promise<void> => {
  const { code, stdout, stderr } = await brood(args)
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, message)
  t.notRegex(stderr, /^ +at /m)
}
