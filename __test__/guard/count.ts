import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { capabilities } from 'brood'

/** How long a counted program may take: under a tracer, on a machine that others use. */
const DEADLINE = 100_000

/** The path of a program in `__test__/fixtures/guard`. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/guard/${name}.mjs`, import.meta.url))

/**
 * The environment of every counted program. Nothing of ours: each variable is copied for each child, and how many there
 * are is the machine's business; and none of brood's own, for what is guarded is the usual way, whatever is being tested.
 */
const environment = { PATH: process.env['PATH'] ?? '/bin:/usr/bin', LANG: 'C' }

/** Runs a program and returns its stdout. */
export const output = async (
  file: string,
  args: readonly string[],
  extra: Record<string, string> = {},
): Promise<string> => {
  const env = { ...environment, ...extra }
  const { stdout } = await promisify(execFile)(file, [...args], { env, timeout: DEADLINE, killSignal: 'SIGKILL' })
  return stdout
}

/** Whether a program can be run here, found out by running it. */
export const works = async (file: string, args: readonly string[]): Promise<boolean> =>
  output(file, args).then(
    () => true,
    () => false,
  )

/** Why the usual way of brood cannot be counted here, if it cannot: it is another one on this system. */
export const unusual = async (): Promise<string | undefined> => {
  if (process.env['BROOD_SPAWN'] === undefined && process.env['BROOD_REAPER'] === undefined) {
    const { spawn, reaper } = capabilities()
    return spawn === 'clone3' && reaper === 'pidfd' ? undefined : `brood uses ${spawn} and ${reaper} here`
  }
  const script = "import('brood').then(({ capabilities: c }) => console.log(c().spawn, c().reaper))"
  const found = (await output(process.execPath, ['--eval', script])).trim()
  return found === 'clone3 pidfd' ? undefined : `brood uses ${found.replace(' ', ' and ')} here`
}

/** The middle of the values. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
