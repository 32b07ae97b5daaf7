import { parseRun, UsageError, type RunCommand } from './run/options.ts'
import { say } from './run/say.ts'
import type { Subcommand } from './subcommand.ts'

const help = `Usage: brood run [OPTION…] [--] COMMAND [ARG…]

Runs one command in its own place: passes signals on to it, reaps the orphans it leaves, and ends with its status. Made for
PID 1 of a container, and good for any other process.

  -g, --group              pass signals on to the command's whole process group
      --signal-map A=B     pass signal A on as B; A=0 drops it; may be given several times, or as a list: A=B,C=D
      --timeout TIME       stop the command after this time: SIGTERM, and SIGKILL after the grace time
      --grace TIME         time from SIGTERM to SIGKILL, also for what the command leaves behind (5s)
  -e, --expect CODE        end with 0 when the command ends with this exit code (143: SIGTERM); may be given several times
      --leave-orphans      do not stop what the command leaves behind
      --parent-death SIG   have this signal sent when the parent of brood dies
      --report             at the end, write one line of JSON to stderr
  -h, --help               show this

TIME is a number of seconds, or has a unit: 500ms, 5s, 1m, 2h, 1d. SIG is a name with or without SIG, or a number.

A SIGINT or SIGTERM that comes while the command or what it left behind is being stopped kills them at once.

Exit status: that of the command; 128+N when signal N ended it; 124 when its time was over; 125 when brood itself failed;
126 when the command was found and cannot be executed; 127 when it was not found.
`

const FAILED = 125

const run = async (command: RunCommand): Promise<void> => {
  const { supervise } = await import('./run/supervise.ts')
  const outcome = await supervise(command)
  if (command.report) {
    const { report } = await import('./run/report.ts')
    say(report(command, outcome))
  }
  process.exitCode = outcome.exitCode
}

/** `brood run`: an entry point of containers, and a supervisor of one command. */
export const command: Subcommand = {
  summary: 'run one command, as PID 1 or anywhere: signals, orphans, exit status',
  help,
  parsesHelp: true,
  async main(words) {
    try {
      const parsed = parseRun(words)
      if (parsed === undefined) process.stdout.write(help)
      else await run(parsed)
    } catch (error) {
      const { message } = error as Error
      say(`brood run: ${message}${error instanceof UsageError ? '\nTry "brood run --help".' : ''}`)
      process.exitCode = FAILED
    }
  },
}
