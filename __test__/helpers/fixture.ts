import { execFile, type ExecFileOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { DEADLINE } from './until.ts'

/** The path of a program in `__test__/fixtures`. */
export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

/** How a Node program ended, and what it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program in a Node of its own: for what is about the end of a program, or of a thread. By `node:child_process`, so
 * that brood does not judge itself.
 *
 * A program that takes longer than `timeout` milliseconds is killed, and an error says what it had written.
 */
export const runNode = (
  args: readonly string[],
  { timeout = DEADLINE, ...options }: ExecFileOptions = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      args,
      { ...options, encoding: 'utf8', timeout, killSignal: 'SIGKILL', maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        if (error?.killed) {
          const what = `${args.join(' ')} did not end within ${timeout} ms`
          reject(new Error(`${what}\nstdout: ${stdout}\nstderr: ${stderr}`))
        } else if (error !== null && typeof error.code === 'string') reject(error)
        else resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr })
      },
    )
    child.stdin?.end()
  })

/** Runs a fixture in a Node of its own. */
export const runFixture = (name: string, args: readonly string[] = [], options?: ExecFileOptions): Promise<Ended> =>
  runNode([fixture(name), ...args], options)
