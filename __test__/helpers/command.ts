import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { DEADLINE, until, within } from './until.ts'

/** The path of the command `brood`. */
export const BROOD = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** How a command ended, and what it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  /** What it has written to stdout so far. */
  readonly output: () => string
  /** Waits until it has written something like this to stdout. */
  readonly saw: (pattern: RegExp) => Promise<RegExpMatchArray>
  /** How it ended; it is killed if that takes too long. */
  readonly ended: Promise<Ended>
}

/** Starts a program by `node:child_process`, so that brood does not judge itself. */
export const start = (words: readonly string[], options: SpawnOptions = {}): Running => {
  const [file, ...args] = words
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  const stderr = child.stderr === null ? Promise.resolve('') : text(child.stderr)
  const closed = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      void stderr.then((written) => resolve({ code, signal, stdout, stderr: written }))
    })
  })
  const ended = within(closed, `the end of ${words.join(' ')}`, 2 * DEADLINE).catch((error: Error) => {
    child.kill('SIGKILL')
    throw new Error(`${error.message}; stdout: ${stdout}`)
  })
  // Who does not wait for it does not want to know.
  ended.catch(() => {})
  return {
    child,
    pid: child.pid!,
    output: () => stdout,
    saw: (pattern) => until(() => pattern.exec(stdout), `${pattern} in the output of ${words.join(' ')}`),
    ended,
  }
}

/** Starts `brood` with these arguments. */
export const startBrood = (args: readonly string[], options?: SpawnOptions): Running =>
  start([process.execPath, BROOD, ...args], options)

/** Runs `brood` to its end. */
export const runBrood = (args: readonly string[], options?: SpawnOptions): Promise<Ended> =>
  startBrood(args, options).ended

/** The line that `--report` writes, which is the last one on stderr. */
export const reportOf = ({ stderr }: Ended): Record<string, unknown> & { leftovers: Record<string, number> } =>
  JSON.parse(stderr.trimEnd().split('\n').at(-1)!) as never
