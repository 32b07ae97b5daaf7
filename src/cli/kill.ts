import { util } from '../builtins.ts'
import { ProcessError } from '../errors.ts'
import { familyOfProcess, NOBODY, pidsOf, stopFamily, type Identities, type SignalFamily } from '../family.ts'
import { processTree, type ProcessInfo } from '../process-tree.ts'
import { signalName, toSignalNumber } from '../signals.ts'
import { harmless } from './picture.ts'
import { parsePid } from './pid.ts'
import { fail, type Subcommand } from './subcommand.ts'

const help = `Usage: brood kill PID [--signal SIGNAL] [--grace MS]

Sends a signal to a process and all its descendants, those that left its process group or session included: they are
stopped, looked for again until nobody new turns up, signalled, and let go on. Says who was signalled.

  -s, --signal SIGNAL  name or number; 0 signals nobody and only finds them (default: SIGTERM)
  -g, --grace MS       wait until all are gone, and send SIGKILL to who is left after MS milliseconds
  -h, --help           this
`

/** A signal as people type it: `SIGTERM`, `term`, `15`. */
const parseSignal = (text: string): number => {
  if (/^\d+$/.test(text)) return toSignalNumber(Number(text))
  const name = text.toUpperCase()
  return toSignalNumber(name.startsWith('SIG') ? name : `SIG${name}`)
}

const parseGrace = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is no number of milliseconds, such as 5000`)
  return Number(text)
}

/** What the processes are called, as long as they are there to be asked. */
const commandsUnder = (root: number): Map<number, string> => {
  try {
    return new Map([...processTree(root)].map(({ pid, data }) => [pid, harmless((data as ProcessInfo).command)]))
  } catch {
    return new Map()
  }
}

const MOST = 120

const tell = (signal: number, identities: Identities, commands: ReadonlyMap<number, string>): void => {
  const name = signal === 0 ? 'found' : signalName(signal)
  for (const pid of pidsOf(identities).toSorted((a, b) => a - b)) {
    const command = commands.get(pid) ?? ''
    const line = `${name} ${pid} ${command.length > MOST ? `${command.slice(0, MOST - 1)}…` : command}`
    process.stdout.write(`${line.trimEnd()}\n`)
  }
}

const main = async (args: string[]): Promise<void> => {
  try {
    const { values, positionals } = util.parseArgs({
      args,
      allowPositionals: true,
      options: {
        signal: { type: 'string', short: 's', default: 'SIGTERM' },
        grace: { type: 'string', short: 'g' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return void process.stdout.write(help)
    const [text, ...rest] = positionals
    if (text === undefined || rest.length > 0) throw new Error('one process id is needed')
    const pid = parsePid(text)
    const signal = parseSignal(values.signal)
    const grace = values.grace === undefined ? undefined : parseGrace(values.grace)
    const commands = commandsUnder(pid)
    const signalFamily = familyOfProcess(pid)
    const signalAndTell: SignalFamily = (sent, known) => {
      const signalled = signalFamily(sent, known)
      if (sent !== 0 || signal === 0) tell(sent, signalled, commands)
      return signalled
    }
    process.stdout.once('error', () => {})
    if (grace === undefined || signal === 0) signalAndTell(signal, NOBODY)
    else await stopFamily(signalAndTell, { signal, grace })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    fail(`brood kill: ${message}${error instanceof ProcessError ? '' : '\nbrood kill --help tells more.'}`)
  }
}

/** `brood kill` */
export const command: Subcommand = { summary: 'signal a process and all its descendants', help, main }
