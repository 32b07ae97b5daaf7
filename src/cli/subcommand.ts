/** One of brood's commands. */
export interface Subcommand {
  /** What it does, in a few words for the list of all. */
  readonly summary: string
  /** What `--help` prints. */
  readonly help: string
  /** Whether it looks for `--help` itself, because what follows its own options is somebody else's. */
  readonly parsesHelp?: boolean
  /** Does it. Sets `process.exitCode` where that is not 0. */
  readonly main: (args: string[]) => Promise<void> | void
}

/** Says on stderr what is wrong, and makes that the exit code. */
export const fail = (message: string, exitCode = 1): void => {
  process.stderr.write(`${message.trimEnd()}\n`)
  process.exitCode = exitCode
}
