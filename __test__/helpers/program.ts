import { fixture, runNode, type Ended } from './fixture.ts'

/** How a test program is run. */
export interface ProgramOptions {
  /** Milliseconds until it is killed and the test fails. */
  readonly timeout?: number
  /** Options for Node itself, such as `--expose-gc`. */
  readonly nodeOptions?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Runs a TypeScript program of `__test__/fixtures` in a Node of its own and returns how it ended. */
export const endProgram = (
  name: string,
  args: readonly string[] = [],
  { timeout = 60_000, nodeOptions = [], env = process.env }: ProgramOptions = {},
): Promise<Ended> =>
  runNode([...nodeOptions, '--import', '@oxc-node/core/register', fixture(name), ...args], { timeout, env })

/**
 * Runs a TypeScript program of `__test__/fixtures` and returns what its last line of output says, as JSON. It has to end by
 * itself, with code 0 and nothing on stderr.
 */
export const runProgram = async <T>(name: string, args?: readonly string[], options?: ProgramOptions): Promise<T> => {
  const { code, signal, stdout, stderr } = await endProgram(name, args, options)
  if (code !== 0 || signal !== null || stderr !== '') {
    throw new Error(`${name} ended with code ${code}, signal ${signal}\nstdout: ${stdout}\nstderr: ${stderr}`)
  }
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as T
}
