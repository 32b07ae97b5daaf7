import { util } from '../builtins.ts'
import { ProcessError } from '../errors.ts'
import type { Hierarchy } from '../hierarchy/hierarchy.ts'
import { processTree, type ProcessInfo } from '../process-tree.ts'
import { draw, visit } from './picture.ts'
import { parsePid } from './pid.ts'
import { fail, type Subcommand } from './subcommand.ts'

const help = `Usage: brood tree [PID] [--watch] [--json]

Shows a process and its descendants; without PID all from init on.

  PID  process id
  S    state: R runs, S sleeps, D sleeps in the kernel, T is stopped, Z has ended and was not waited for
  CPU  processor time used; with --watch the share of one processor since the last look
  MEM  resident memory

[session N, group N] is written where a process is in another session or process group than its parent.

  -w, --watch  look again every second, until q or Ctrl-C
      --json   a JSON array of objects in the order of the picture, with "depth"; with --watch one array a line
  -h, --help   this
`

/** Milliseconds between two looks. */
const SECOND = 1000

const toJson = (hierarchy: Hierarchy): string =>
  JSON.stringify([...visit(hierarchy)].map(({ process, info, depth }) => ({ pid: process.pid, ...info, depth })))

/** The share of a processor that each process has had since the last look, in percent. */
class UsageMeter {
  #last = new Map<string, number>()
  #at = 0

  measure(hierarchy: Hierarchy): Map<number, number> {
    const usage = new Map<number, number>()
    const times = new Map<string, number>()
    const now = performance.now()
    for (const { pid, data } of hierarchy) {
      const { startTime, cpuTime } = data as ProcessInfo
      // A pid that was given to another process starts anew.
      const name = `${pid} ${startTime}`
      const before = this.#last.get(name)
      if (before !== undefined) usage.set(pid, ((cpuTime - before) / (now - this.#at)) * 100)
      times.set(name, cpuTime)
    }
    this.#last = times
    this.#at = now
    return usage
  }
}

const HOME_AND_CLEAR = '\u001b[H\u001b[J'
const ENTER_SCREEN = '\u001b[?1049h\u001b[?25l'
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l'

/** Looks again every second until the process has ended, the user has had enough, or nobody reads any more. */
const watch = async (pid: number, asJson: boolean): Promise<void> => {
  const { stdin, stdout } = process
  const isScreen = stdout.isTTY && !asJson
  const meter = new UsageMeter()
  let stop!: () => void
  const stopped = new Promise<void>((resolve) => (stop = resolve))
  let ending = ''

  const show = (): void => {
    let hierarchy
    try {
      hierarchy = processTree(pid)
    } catch (error) {
      ending = error instanceof Error ? error.message : String(error)
      return stop()
    }
    if (asJson) return void stdout.write(`${toJson(hierarchy)}\n`)
    const usage = meter.measure(hierarchy)
    const lines = draw(hierarchy, { width: isScreen ? stdout.columns : undefined, colors: hasColors(), usage })
    if (!isScreen) return void stdout.write(`${lines.join('\n')}\n\n`)
    const room = Math.max(2, stdout.rows - 1)
    if (lines.length > room) lines.splice(room - 1, Infinity, `… ${lines.length - room + 1} more`)
    stdout.write(HOME_AND_CLEAR + lines.join('\n'))
  }
  const onKey = (key: Buffer): void => {
    // In raw mode Ctrl-C is a key like any other.
    if (['q', 'Q', '\u0003'].includes(key.toString())) stop()
  }

  if (isScreen) stdout.write(ENTER_SCREEN)
  if (isScreen && stdin.isTTY) stdin.setRawMode(true).on('data', onKey)
  process.once('SIGINT', stop).once('SIGTERM', stop)
  stdout.once('error', stop).on('resize', show)
  const timer = setInterval(show, SECOND)
  show()
  await stopped

  clearInterval(timer)
  stdout.off('resize', show)
  process.off('SIGINT', stop).off('SIGTERM', stop)
  if (isScreen && stdin.isTTY) stdin.off('data', onKey).setRawMode(false).pause()
  if (isScreen) stdout.write(LEAVE_SCREEN)
  if (ending !== '') fail(`brood tree: ${ending}`)
}

/** `NO_COLOR` and `TERM=dumb` have their say there. */
const hasColors = (): boolean => process.stdout.isTTY && process.stdout.hasColors()

const main = async (args: string[]): Promise<void> => {
  try {
    const { values, positionals } = util.parseArgs({
      args,
      allowPositionals: true,
      options: {
        watch: { type: 'boolean', short: 'w' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return void process.stdout.write(help)
    if (positionals.length > 1) throw new Error('one process id at most')
    const pid = positionals[0] === undefined ? 1 : parsePid(positionals[0])
    if (values.watch) {
      // Before there is a screen to leave.
      processTree(pid)
      return await watch(pid, values.json === true)
    }
    const hierarchy = processTree(pid)
    const { stdout } = process
    const text = values.json
      ? toJson(hierarchy)
      : draw(hierarchy, { width: stdout.isTTY ? stdout.columns : undefined, colors: hasColors() }).join('\n')
    // Whoever has read enough, as head(1), closes the pipe.
    stdout.once('error', () => {})
    stdout.write(`${text}\n`)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    fail(`brood tree: ${message}${error instanceof ProcessError ? '' : '\nbrood tree --help tells more.'}`)
  }
}

/** `brood tree` */
export const command: Subcommand = { summary: 'show processes and their descendants', help, main }
