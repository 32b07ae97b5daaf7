import { fileURLToPath } from 'node:url'

import { Complaint } from './complaint.ts'
import { toSignalNumber, type Signal } from './signals.ts'
import { ALL_PIPES, toDescriptors, type Descriptor, type Stdio } from './stdio.ts'

/** What a child can be limited in; `setrlimit(2)` tells what each is about. */
export type Resource = 'as' | 'core' | 'cpu' | 'data' | 'fsize' | 'memlock' | 'nofile' | 'nproc' | 'stack'

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
/** One more would be 2^32 - 1, which means "leave as it is". */
const HIGHEST_ID = 0xffff_fffe
/** setTimeout takes no more, and takes more for 1. */
export const LONGEST_TIME = 0x7fff_ffff

/** `RLIMIT_…`, by system: the names are the same everywhere, the numbers are not. */
const RESOURCES: Record<Resource, number> =
  process.platform === 'linux'
    ? { cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, nproc: 6, nofile: 7, memlock: 8, as: 9 }
    : process.platform === 'freebsd'
      ? { cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, memlock: 6, nproc: 7, nofile: 8, as: 10 }
      : { cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, as: 5, memlock: 6, nproc: 7, nofile: 8 }

/** What nothing was asked for. */
const DEFAULTS: CheckedOptions = {
  cwd: undefined,
  env: undefined,
  descriptors: ALL_PIPES,
  detached: false,
  processGroup: undefined,
  uid: undefined,
  gid: undefined,
  groups: undefined,
  umask: undefined,
  limits: [],
  noNewPrivs: false,
  parentDeathSignal: 0,
  controllingTerminal: false,
  killOnDrop: false,
  killTree: false,
  killSignal: SIGTERM,
  timeout: 0,
  signal: undefined,
}

const isInteger = (value: unknown, highest: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= highest

/** Looks one kind of option through; each names the option, the value and what is allowed. */
class Check {
  readonly complaint: Complaint

  constructor(complaint: Complaint) {
    this.complaint = complaint
  }

  boolean(name: string, value: unknown): boolean {
    if (value === undefined || value === null) return false
    if (typeof value === 'boolean') return value
    throw this.complaint.type(name, value, 'a boolean')
  }

  integer(name: string, value: unknown, highest: number): number | undefined {
    if (value === undefined || value === null) return undefined
    if (isInteger(value, highest)) return value
    const allowed = `an integer from 0 to ${highest}`
    throw typeof value === 'number'
      ? this.complaint.range(name, value, allowed)
      : this.complaint.type(name, value, allowed)
  }

  signal(name: string, value: unknown, byDefault: number): number {
    if (value === undefined || value === null) return byDefault
    if (typeof value === 'string') {
      try {
        return toSignalNumber(value, name)
      } catch (error) {
        throw this.complaint.value(name, value, `the name of a signal such as 'SIGTERM' (${(error as Error).message})`)
      }
    }
    throw this.complaint.type(name, value, "the name of a signal such as 'SIGTERM'")
  }

  milliseconds(name: string, value: unknown): number {
    if (value === undefined || value === null) return 0
    const allowed = `a number of milliseconds from 0 to ${LONGEST_TIME}`
    if (typeof value !== 'number') throw this.complaint.type(name, value, allowed)
    // Infinity is a way to say never, as 0 is.
    if (value === Infinity) return 0
    if (value >= 0 && value <= LONGEST_TIME) return value
    throw this.complaint.range(name, value, allowed)
  }

  cwd(value: unknown): string | undefined {
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string') {
      if (value !== '') return value
    } else if (value instanceof URL && value.protocol === 'file:') {
      try {
        return fileURLToPath(value)
      } catch {
        throw this.complaint.value('cwd', value.href, 'a path, or a file: URL of a path on this machine')
      }
    }
    throw this.complaint.type('cwd', value, 'a path, or a file: URL')
  }

  env(value: unknown): Record<string, string | undefined> | undefined {
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw this.complaint.type('env', value, 'an object of strings')
    }
    // Inherited names count, as with Node: Object.create(process.env) is an environment.
    for (const name in value) {
      const text = (value as Record<string, unknown>)[name]
      if (text !== undefined && typeof text !== 'string') {
        throw this.complaint.type(`env.${name}`, text, 'a string, or undefined to leave it out')
      }
      if (name === '' || name.includes('=')) {
        throw this.complaint.value('env', name, 'an object whose names are not empty and hold no "="')
      }
    }
    return value as Record<string, string | undefined>
  }

  processGroup(value: unknown, detached: boolean): number | undefined {
    if (value === undefined || value === null || value === false) return undefined
    const group = value === true ? 0 : value
    if (!isInteger(group, 0x7fff_ffff)) {
      const allowed = 'a boolean, or the number of a process group'
      throw typeof group === 'number'
        ? this.complaint.range('processGroup', value, allowed)
        : this.complaint.type('processGroup', value, allowed)
    }
    if (!detached) return group
    // setsid has made it the leader of a new group already; another one is in another session.
    if (group === 0) return undefined
    throw this.complaint.value('processGroup', value, 'true, 0 or absent together with "detached"')
  }

  groups(value: unknown): readonly number[] | undefined {
    if (value === undefined || value === null) return undefined
    if (Array.isArray(value) && value.length <= 65_536 && value.every((group) => isInteger(group, HIGHEST_ID))) {
      return value as number[]
    }
    throw this.complaint.type('groups', value, `an array of integers from 0 to ${HIGHEST_ID}`)
  }

  limits(value: unknown): CheckedOptions['limits'] {
    if (value === undefined || value === null) return []
    const names = Object.keys(RESOURCES).join(', ')
    if (typeof value !== 'object') throw this.complaint.type('rlimits', value, `an object with the names ${names}`)
    return Object.entries(value as Record<string, unknown>)
      .filter(([, limit]) => limit !== undefined)
      .map(([name, limit]) => {
        if (!Object.hasOwn(RESOURCES, name)) {
          throw this.complaint.value('rlimits', name, `an object with the names ${names}`)
        }
        const { soft, hard } =
          typeof limit === 'object' && limit !== null
            ? (limit as { soft: unknown; hard: unknown })
            : { soft: limit, hard: limit }
        for (const number of [soft, hard]) {
          if (number !== Infinity && !isInteger(number, Number.MAX_SAFE_INTEGER)) {
            const allowed = 'an integer of 0 or more, Infinity, or { soft, hard } of those'
            throw typeof number === 'number'
              ? this.complaint.range(`rlimits.${name}`, limit, allowed)
              : this.complaint.type(`rlimits.${name}`, limit, allowed)
          }
        }
        if ((soft as number) > (hard as number)) {
          throw this.complaint.range(`rlimits.${name}`, limit, 'a soft limit that is no higher than the hard one')
        }
        return [RESOURCES[name as Resource], soft as number, hard as number] as const
      })
  }

  abortSignal(value: unknown): AbortSignal | undefined {
    if (value === undefined || value === null) return undefined
    // By its shape, because a signal may come from another realm.
    const signal = value as Partial<AbortSignal>
    if (
      typeof value === 'object' &&
      typeof signal.aborted === 'boolean' &&
      typeof signal.addEventListener === 'function'
    ) {
      return value as AbortSignal
    }
    throw this.complaint.type('signal', value, 'an AbortSignal')
  }
}

/** Looks whether there is anything to look through. */
export const checkIsObject = (options: object, complaint: Complaint): void => {
  if (typeof options !== 'object' || Array.isArray(options)) throw complaint.type('options', options, 'an object')
}

/**
 * Looks the options through, all of them before anything is done.
 *
 * @throws {SpawnError} with step `options` for the first one that is wrong.
 */
export const checkOptions = (options: SpawnOptions | undefined, complaint: Complaint): CheckedOptions => {
  if (options === undefined || options === null) return DEFAULTS
  checkIsObject(options, complaint)
  const check = new Check(complaint)
  const detached = check.boolean('detached', options.detached)
  return {
    cwd: check.cwd(options.cwd),
    env: check.env(options.env),
    descriptors: toDescriptors(options, complaint),
    detached,
    processGroup: check.processGroup(options.processGroup, detached),
    uid: check.integer('uid', options.uid, HIGHEST_ID),
    gid: check.integer('gid', options.gid, HIGHEST_ID),
    groups: check.groups(options.groups),
    umask: check.integer('umask', options.umask, 0o777),
    limits: check.limits(options.rlimits),
    noNewPrivs: check.boolean('noNewPrivs', options.noNewPrivs),
    parentDeathSignal: check.signal('parentDeathSignal', options.parentDeathSignal, 0),
    controllingTerminal: check.boolean('controllingTerminal', (options as SupervisorOptions).controllingTerminal),
    killOnDrop: check.boolean('killOnDrop', options.killOnDrop),
    // A shell that is killed leaves the programs behind that it has started: they were what was meant.
    killTree: check.boolean('killTree', options.killTree ?? Boolean(options.shell)),
    killSignal: check.signal('killSignal', options.killSignal, SIGTERM),
    timeout: check.milliseconds('timeout', options.timeout),
    signal: check.abortSignal(options.signal),
  }
}

/** What is to be executed: the program and its arguments from `argv[0]` on. */
export interface Invocation {
  readonly file: string
  readonly argv: readonly string[]
}

/**
 * Looks file, arguments, `argv0` and `shell` through.
 *
 * @throws {SpawnError} with step `options` for what is wrong.
 */
export const checkInvocation = (
  file: unknown,
  args: unknown,
  options: SpawnOptions | undefined,
  complaint: Complaint,
): Invocation => {
  if (typeof file !== 'string' || file === '') throw complaint.type('file', file, 'the name or path of a program')
  if (!Array.isArray(args)) throw complaint.type('args', args, 'an array of strings')
  for (let index = 0; index < args.length; index++) {
    if (typeof args[index] !== 'string') throw complaint.type(`args[${index}]`, args[index], 'a string')
  }
  const { argv0, shell } = options ?? {}
  if (argv0 !== undefined && argv0 !== null && typeof argv0 !== 'string') {
    throw complaint.type('argv0', argv0, 'a string')
  }
  if (shell === undefined || shell === null || shell === false)
    return { file, argv: [argv0 ?? file, ...(args as string[])] }
  if (shell !== true && (typeof shell !== 'string' || shell === '')) {
    throw complaint.type('shell', shell, 'a boolean, or the path of a shell')
  }
  const program = shell === true ? '/bin/sh' : shell
  return { file: program, argv: [argv0 ?? program, '-c', [file, ...(args as string[])].join(' ')] }
}
