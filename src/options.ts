import type { Complaint } from './complaint.ts'
import {
  checkAbortSignal,
  checkBoolean,
  checkCwd,
  checkEnvironment,
  checkGroups,
  checkInteger,
  checkLimits,
  checkMilliseconds,
  checkProcessGroup,
  checkSignal,
  HIGHEST_ID,
  type Resource,
} from './option-checks.ts'
import type { Signal } from './signals.ts'
import { ALL, ALL_PIPES, toDescriptors, type Descriptor, type Stdio } from './stdio.ts'

/** How to start a process. */
export interface SpawnOptions {
  /**
   * Its working directory: a path or a `file:` URL. A program given by a relative path is looked for from there.
   * @default the working directory of this process
   */
  cwd?: string | URL
  /** Its whole environment; names whose value is `undefined` are left out. @default `process.env` as it is now */
  env?: Record<string, string | undefined>
  /** What it sees as `argv[0]`. @default `file` */
  argv0?: string
  /**
   * What becomes its descriptors: one word for all three, or a list, whose entries past the third become descriptors 3, 4,
   * … of the child. A `'pipe'` there is a socket pair, for reading and writing. @default 'pipe'
   */
  stdio?: Stdio | readonly (Stdio | 'stdout')[]
  /** Its descriptor 0; has the last word over `stdio`. */
  stdin?: Stdio
  /** Its descriptor 1; has the last word over `stdio`. */
  stdout?: Stdio
  /** Its descriptor 2; has the last word over `stdio`. `'stdout'`: the same pipe or file as descriptor 1. */
  stderr?: Stdio | 'stdout'
  /** Hands file and arguments, joined by spaces, to `/bin/sh -c`, or to the shell of this path. @default false */
  shell?: boolean | string
  /** Its own session and process group: `setsid(2)`. @default false */
  detached?: boolean
  /** Its process group: `true` or 0 makes one of its own, a number joins that one. `setpgid(2)`. @default false */
  processGroup?: boolean | number
  /** Its user. Needs privileges; the child is forked then, in a time that grows with our memory. `setresuid(2)` */
  uid?: number
  /** Its group. As with `uid`. `setresgid(2)` */
  gid?: number
  /** Its supplementary groups. As with `uid`. `setgroups(2)`. @default none when `uid` or `gid` is given, else ours */
  groups?: readonly number[]
  /** Which permissions its files do not get: 0 to 0o777. `umask(2)` */
  umask?: number
  /** Its limits: a number for both, or soft and hard; `Infinity` for none. `setrlimit(2)` */
  rlimits?: Partial<Record<Resource, number | { soft: number; hard: number }>>
  /** It and its descendants gain no privileges by exec, as by a setuid program. Linux: `PR_SET_NO_NEW_PRIVS`. */
  noNewPrivs?: boolean
  /** Sent to it by the kernel when this process dies, however it dies. Linux: `PR_SET_PDEATHSIG`. */
  parentDeathSignal?: Signal
  /**
   * Dropping the handle (dispose, the end of its worker or of this program) kills it. @default false: it runs on, and is
   * reaped
   */
  killOnDrop?: boolean
  /**
   * Whatever ends it, ends its descendants, too: `timeout`, `signal`, `killOnDrop` and `maxBuffer` do what
   * {@link Child.killTree} does. @default true with `shell`, else false
   */
  killTree?: boolean
  /** What `timeout` and `signal` send. It is followed by SIGKILL after 5 seconds. @default 'SIGTERM' */
  killSignal?: Signal
  /** Milliseconds until it is sent `killSignal`; 0 for never. @default 0 */
  timeout?: number
  /** When aborted, it is sent `killSignal`; when aborted beforehand, nothing is started. */
  signal?: AbortSignal
}

/** What `brood run` asks for beyond that. */
export interface SupervisorOptions extends SpawnOptions {
  /**
   * Its stdin is a terminal that becomes its own: controls its new session, or has its new process group in the foreground.
   */
  controllingTerminal?: boolean
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Options that were looked through. */
export interface CheckedOptions {
  readonly cwd: string | undefined
  readonly env: Record<string, string | undefined> | undefined
  readonly descriptors: readonly Descriptor[]
  readonly detached: boolean
  readonly processGroup: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly groups: readonly number[] | undefined
  readonly umask: number | undefined
  readonly limits: readonly (readonly [resource: number, soft: number, hard: number])[]
  readonly noNewPrivs: boolean
  readonly parentDeathSignal: number
  readonly controllingTerminal: boolean
  readonly killOnDrop: boolean
  readonly killTree: boolean
  readonly killSignal: number
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

const SIGTERM = 15

const NO_LIMITS: CheckedOptions['limits'] = []

/** What it is when nothing was asked for but these descriptors. */
const makeDefaults = (descriptors: readonly Descriptor[]): Writable<CheckedOptions> => ({
  cwd: undefined,
  env: undefined,
  descriptors,
  detached: false,
  processGroup: undefined,
  uid: undefined,
  gid: undefined,
  groups: undefined,
  umask: undefined,
  limits: NO_LIMITS,
  noNewPrivs: false,
  parentDeathSignal: 0,
  controllingTerminal: false,
  killOnDrop: false,
  killTree: false,
  killSignal: SIGTERM,
  timeout: 0,
  signal: undefined,
})

/** What it is when nothing but one word for all descriptors was given: shared, because a child keeps its options. */
const PLAIN: ReadonlyMap<readonly Descriptor[], CheckedOptions> = new Map(
  Object.values(ALL).map((descriptors) => [descriptors, makeDefaults(descriptors)]),
)

const plain = (descriptors: readonly Descriptor[]): CheckedOptions =>
  PLAIN.get(descriptors) ?? makeDefaults(descriptors)

/** Looks whether there is anything to look through. */
export const checkIsObject = (options: object, complaint: Complaint): void => {
  if (typeof options !== 'object' || Array.isArray(options)) throw complaint.type('options', options, 'an object')
}

/**
 * Looks the options through, all of them before anything is done.
 *
 * @throws {SpawnError} with step `options` for the first one that is wrong.
 */
export const checkOptions = (options: SupervisorOptions | undefined, complaint: Complaint): CheckedOptions => {
  if (options === undefined || options === null) return plain(ALL_PIPES)
  checkIsObject(options, complaint)
  const { cwd, env, detached, processGroup, uid, gid, groups, umask, rlimits, noNewPrivs, parentDeathSignal } = options
  const { controllingTerminal, killOnDrop, killSignal, killTree, shell, timeout, signal } = options
  const given = cwd ?? env ?? detached ?? processGroup ?? uid ?? gid ?? groups ?? umask ?? rlimits ?? noNewPrivs
  const more = parentDeathSignal ?? controllingTerminal ?? killOnDrop ?? killSignal ?? killTree ?? shell ?? timeout
  if (given == null && more == null && signal == null) return plain(toDescriptors(options, complaint))
  const checked = makeDefaults(ALL_PIPES)
  if (cwd != null) checked.cwd = checkCwd(complaint, cwd)
  if (env != null) checked.env = checkEnvironment(complaint, env)
  checked.descriptors = toDescriptors(options, complaint)
  if (detached != null) checked.detached = checkBoolean(complaint, 'detached', detached)
  if (processGroup != null) checked.processGroup = checkProcessGroup(complaint, processGroup, checked.detached)
  if (uid != null) checked.uid = checkInteger(complaint, 'uid', uid, HIGHEST_ID)
  if (gid != null) checked.gid = checkInteger(complaint, 'gid', gid, HIGHEST_ID)
  if (groups != null) checked.groups = checkGroups(complaint, groups)
  if (umask != null) checked.umask = checkInteger(complaint, 'umask', umask, 0o777)
  if (rlimits != null) checked.limits = checkLimits(complaint, rlimits)
  if (noNewPrivs != null) checked.noNewPrivs = checkBoolean(complaint, 'noNewPrivs', noNewPrivs)
  if (parentDeathSignal != null) {
    checked.parentDeathSignal = checkSignal(complaint, 'parentDeathSignal', parentDeathSignal)
  }
  if (controllingTerminal != null) {
    checked.controllingTerminal = checkBoolean(complaint, 'controllingTerminal', controllingTerminal)
  }
  if (killOnDrop != null) checked.killOnDrop = checkBoolean(complaint, 'killOnDrop', killOnDrop)
  // A shell that is killed leaves the programs behind that it has started: they were what was meant.
  checked.killTree = checkBoolean(complaint, 'killTree', killTree ?? Boolean(shell))
  if (killSignal != null) checked.killSignal = checkSignal(complaint, 'killSignal', killSignal)
  if (timeout != null) checked.timeout = checkMilliseconds(complaint, 'timeout', timeout)
  if (signal != null) checked.signal = checkAbortSignal(complaint, signal)
  return checked
}
