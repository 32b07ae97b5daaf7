import { util } from '../../builtins.ts'
import { LONGEST_TIME } from '../../option-checks.ts'
import { signalNumber } from '../../signals.ts'

/** What `brood run` was asked to do. */
export interface RunCommand {
  readonly file: string
  readonly args: readonly string[]
  /** Signals go to the whole process group. */
  readonly group: boolean
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly grace: number
  /** Milliseconds that the command may take; `undefined` for as long as it likes. */
  readonly timeout: number | undefined
  readonly leaveOrphans: boolean
  /** Exit codes that are as good as 0. */
  readonly expected: ReadonlySet<number>
  /** What becomes of signals on their way, by number; 0 for those that go nowhere. */
  readonly signalMap: ReadonlyMap<number, number>
  /** What we are sent when our parent dies. */
  readonly parentDeath: number | undefined
  readonly report: boolean
}

/** Why a command line cannot be understood. */
export class UsageError extends Error {}

const GRACE = '5'

const OPTIONS = {
  group: { type: 'boolean', short: 'g' },
  grace: { type: 'string', default: GRACE },
  timeout: { type: 'string' },
  'leave-orphans': { type: 'boolean' },
  'signal-map': { type: 'string', multiple: true },
  expect: { type: 'string', short: 'e', multiple: true },
  'parent-death': { type: 'string' },
  report: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `5`, `5s` and `0.5m` as milliseconds, as timeout(1) has them, and `500ms`. */
const parseTime = (option: string, text: string): number => {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)?$/.exec(text) ?? []
  const time = Number(number) * UNITS[unit]!
  // What no timer can be set to is as good as for ever: 25 days.
  if (!Number.isNaN(time)) return Math.min(time, LONGEST_TIME)
  throw new UsageError(`--${option} must be a time such as 5, 5s, 500ms or 1m; received "${text}"`)
}

/** `TERM`, `SIGTERM`, `term` or `15`. */
const parseSignal = (option: string, text: string): number => {
  const number = /^\d+$/.test(text) ? Number(text) : signalNumber(`SIG${text.toUpperCase().replace(/^SIG/, '')}`)
  if (number !== undefined && number >= 1 && number <= 64) return number
  throw new UsageError(`--${option}: "${text}" is no signal; expected a name such as TERM, or a number`)
}

const parseSignalMap = (entries: readonly string[]): Map<number, number> => {
  const map = new Map<number, number>()
  for (const entry of entries.flatMap((list) => list.split(','))) {
    const [from, to, ...rest] = entry.split('=')
    if (!from || !to || rest.length > 0) {
      throw new UsageError(`--signal-map must be like TERM=INT, or TERM=0 to drop it; received "${entry}"`)
    }
    map.set(parseSignal('signal-map', from), to === '0' ? 0 : parseSignal('signal-map', to))
  }
  return map
}

const parseExitCode = (text: string): number => {
  const code = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (code <= 255) return code
  throw new UsageError(`--expect must be an exit code from 0 to 255; received "${text}"`)
}

/** Splits our own options from the command, which begins behind `--`, or with the first word that is no option of ours. */
const split = (words: readonly string[]): [own: string[], command: string[]] => {
  const { tokens } = util.parseArgs({ args: [...words], options: OPTIONS, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'option-terminator') return [words.slice(0, token.index), words.slice(token.index + 1)]
    if (token.kind === 'positional') return [words.slice(0, token.index), words.slice(token.index)]
  }
  return [[...words], []]
}

/**
 * Reads the command line; `undefined` when help was asked for.
 *
 * @throws {UsageError} when it cannot be understood.
 */
export const parseRun = (words: readonly string[]): RunCommand | undefined => {
  const [own, [file, ...args]] = split(words)
  let values
  try {
    values = util.parseArgs({ args: own, options: OPTIONS }).values
  } catch (error) {
    // Its message tells which option, and what is wrong with it.
    throw new UsageError((error as Error).message)
  }
  if (values.help) return undefined
  const { grace = GRACE, timeout, 'signal-map': signalMap = [], 'parent-death': parentDeath } = values
  const command = {
    args,
    group: values.group ?? false,
    grace: parseTime('grace', grace),
    timeout: timeout === undefined ? undefined : parseTime('timeout', timeout),
    leaveOrphans: values['leave-orphans'] ?? false,
    expected: new Set((values.expect ?? []).map(parseExitCode)),
    signalMap: parseSignalMap(signalMap),
    parentDeath: parentDeath === undefined ? undefined : parseSignal('parent-death', parentDeath),
    report: values.report ?? false,
  }
  if (file === undefined || file === '') throw new UsageError('there is no command to run')
  return { file, ...command }
}
