// brood — the public API that is pinned: what a user may rely on. Adding to it is welcome; changing a name, a shape or a
// promise here is not. Doc comments in the package are the project's own and say more than these.

import type { Readable, Writable } from 'node:stream'

// ───────────────────────────────────────────── spawning (import from 'brood')

/** Starts a process and returns at once; the event loop is not stopped while the kernel execs. Throws a SpawnError
 *  synchronously for what can be known synchronously (ENOENT, EACCES, bad cwd, NUL bytes, bad options); what only exec can
 *  tell (ENOEXEC, E2BIG, …) rejects `spawned` and `wait()`. */
export function spawn(file: string, args?: readonly string[], options?: SpawnOptions): Child
export function spawn(file: string, options?: SpawnOptions): Child

/** spawn + feed `input` + collect + wait. Rejects with ExitError when the status is not a success (unless check: false),
 *  TimeoutError on timeout, AbortError on signal. Output is gathered natively, off the event loop. */
export function run(file: string, args?: readonly string[], options?: RunOptions): Promise<Output>
export function run(file: string, options?: RunOptions): Promise<Output>

export type Signal = NodeJS.Signals
/** 'pipe' | 'inherit' | 'ignore' | an fd | a stream with an fd; for stderr also 'stdout' (same pipe or file as stdout). */
export type Stdio = 'pipe' | 'inherit' | 'ignore' | number | { fd: number } | null | undefined

export interface SpawnOptions {
  cwd?: string | URL
  env?: Record<string, string | undefined>
  argv0?: string
  /** shorthand, or an array; entries past the third become fds 3, 4, … of the child. Default 'pipe'. */
  stdio?: Stdio | readonly Stdio[]
  stdin?: Stdio
  stdout?: Stdio
  stderr?: Stdio | 'stdout'
  shell?: boolean | string
  /** setsid(): its own session and process group. */
  detached?: boolean
  /** setpgid(): true or 0 = its own group; a number = that group. */
  processGroup?: boolean | number
  uid?: number
  gid?: number
  groups?: readonly number[]
  umask?: number
  /** setrlimit() in the child, e.g. { nofile: 256, core: { soft: 0, hard: 0 } }. */
  rlimits?: Partial<Record<Resource, number | { soft: number; hard: number }>>
  noNewPrivs?: boolean
  /** sent to the child by the kernel when this process dies (Linux PR_SET_PDEATHSIG). */
  parentDeathSignal?: Signal
  /** dropping the handle (dispose, worker teardown) kills the child. Default false: it goes to the orphan queue. */
  killOnDrop?: boolean
  /** used by `timeout` and `signal`. Default 'SIGTERM'. */
  killSignal?: Signal
  timeout?: number
  signal?: AbortSignal
}
export type Resource = 'as' | 'core' | 'cpu' | 'data' | 'fsize' | 'memlock' | 'nofile' | 'nproc' | 'stack'

export interface RunOptions extends SpawnOptions {
  input?: string | NodeJS.ArrayBufferView
  /** 'utf8' (default) → strings; 'buffer' → Buffers. */
  encoding?: BufferEncoding | 'buffer'
  /** ms to go on reading after the exit while a grandchild still holds the pipe open; then what came is the output and
   *  `truncated` is true. Default: wait for the end of the stream. */
  drain?: number
  /** bytes per stream; going over kills the child and rejects with code ERR_CHILD_PROCESS_STDIO_MAXBUFFER. Default 64 MiB. */
  maxBuffer?: number
  check?: boolean
}
export interface Output<T = string> {
  readonly status: ExitStatus
  readonly stdout: T
  readonly stderr: T
  readonly truncated: boolean
}

// ───────────────────────────────────────────── Wait, Kill, Child

export interface Wait {
  readonly pid: number
  /** Never blocks: null while it runs. */
  tryWait(): ExitStatus | null
  /** Resolves, with the same status, however often and however late it is called. */
  wait(): Promise<ExitStatus>
}
export interface Kill {
  /** true if the signal was delivered, false if the process is already gone; never hits a reused pid. 0 = existence test. */
  kill(signal?: Signal | number): boolean
}
export class Child implements Wait, Kill {
  readonly pid: number
  readonly spawnfile: string
  readonly spawnargs: readonly string[]
  /** Node streams, made when first read; null where that stdio is not a pipe. A child that closes its stdin early (EPIPE)
   *  never brings the program down: without a listener of yours that error is swallowed. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  readonly stdio: readonly (Readable | Writable | null)[]
  /** Resolves once exec succeeded, rejects with SpawnError if it failed. */
  readonly spawned: Promise<void>
  readonly exitStatus: ExitStatus | null
  tryWait(): ExitStatus | null
  wait(): Promise<ExitStatus>
  kill(signal?: Signal | number): boolean
  /** Asks (SIGTERM), waits `grace` ms (default 5000), then insists (SIGKILL). Resolves with the status. */
  stop(options?: { signal?: Signal; grace?: number }): Promise<ExitStatus>
  /** Reads both pipes to the end and waits. */
  output(options?: {
    encoding?: BufferEncoding | 'buffer'
    maxBuffer?: number
    drain?: number
  }): Promise<Output<string | Buffer>>
  /** The child and every living descendant, those that left its process group or session included, without a helper process:
   *  stop, look again until nothing new is found, then signal each through its own pidfd. The number of processes signalled. */
  killTree(signal?: Signal | number): number
  /** Gives the handle up: the orphan queue will reap it. wait() rejects from then on. */
  orphan(): void
  ref(): this
  unref(): this
  /** Drop: killOnDrop ? kill : nothing; then the orphan queue. */
  [Symbol.dispose](): void
  /** Drop, and wait until it is gone when killOnDrop is set. */
  [Symbol.asyncDispose](): Promise<void>
}

export class ExitStatus {
  readonly code: number | null
  readonly signal: Signal | null
  readonly success: boolean
  readonly coreDumped: boolean
  /** of that child and its own waited-for descendants, from waitid: fields and units of process.resourceUsage().
   *  maxRSS is null when the kernel cannot tell it from the parent's (exec carries the parent's peak over): never a wrong number. */
  readonly usage: Omit<NodeJS.ResourceUsage, 'maxRSS'> & { readonly maxRSS: number | null }
  /** ms from spawn to exit. */
  readonly duration: number
  toString(): string
}

// ───────────────────────────────────────────── orphans

export interface OrphanQueue<T extends Wait = Wait> {
  readonly size: number
  pushOrphan(orphan: T): void
  /** Never blocks. The number reaped by this call. */
  reapOrphans(): number
}
/** The one queue of this OS process, shared by all its threads. Reaps by itself; reapOrphans() only hurries it. */
export const orphanQueue: OrphanQueue<Child> & {
  /** every orphan reaped, ours or adopted. */
  on(event: 'reap', listener: (orphan: { pid: number; status: ExitStatus; adopted: boolean }) => void): void
  off(event: 'reap', listener: (...args: never[]) => void): void
}
/** Become a child subreaper (or act as one: PID 1) and reap the descendants that land here, never a child that belongs to
 *  node:child_process or another addon. Main thread only. Disposing stops it. */
export function adoptOrphans(options?: { grace?: number }): Disposable & { readonly adopted: number }

/** What this machine lets us use, as found at run time. */
export function capabilities(): {
  spawn: 'clone3' | 'clone' | 'posix_spawn'
  reaper: 'pidfd' | 'sigchld'
  kill: 'pidfd' | 'pid'
  subreaper: boolean
}

// ───────────────────────────────────────────── errors (all extend Error; codes as Node's)

export class SpawnError extends Error {
  code: string
  errno: number
  syscall: string
  path: string
  spawnargs: string[]
  /** what failed; for 'chdir' path is the cwd, for 'exec' the program. */
  step: 'options' | 'pipe' | 'clone' | 'setup' | 'chdir' | 'exec'
}
export class ExitError extends Error {
  status: ExitStatus
  stdout: string | Buffer
  stderr: string | Buffer
}
export class TimeoutError extends Error {
  code: 'ETIMEDOUT'
  status: ExitStatus
}
export class AbortError extends Error {
  code: 'ABORT_ERR'
}

// ───────────────────────────────────────────── the hierarchy (import from 'brood')

/** A family of processes under one init. Pure bookkeeping: no kernel needed. Misuse (init exits, a running process is freed,
 *  a pid exists twice) throws HierarchyError. */
export class Hierarchy {
  constructor(initPid?: number)
  readonly init: Process
  readonly size: number
  get(pid: number): Process | undefined
  [Symbol.iterator](): Iterator<Process>
}
export class Process {
  readonly pid: number
  readonly data: unknown
  readonly isInit: boolean
  readonly isZombie: boolean
  readonly isGroupExited: boolean
  readonly exitCode: number
  isSubreaper: boolean
  readonly parent: Process | null
  readonly children: readonly Process[]
  readonly group: ProcessGroup
  readonly threads: readonly Thread[]
  fork(pid: number): ProcessBuilder
  newThread(tid: number): ThreadBuilder
  createSession(): { session: Session; group: ProcessGroup } | null
  createGroup(): ProcessGroup | null
  moveToGroup(group: ProcessGroup): boolean
  groupExit(): void
  /** Zombie from here on; children go to the nearest living subreaper above, or init. */
  exit(): void
  /** Zombies only: leaves parent, group and hierarchy. */
  free(): void
}
export class ProcessBuilder {
  data(value: unknown): this
  build(): Process
}
export class ThreadBuilder {
  data(value: unknown): this
  build(): Thread
}
export class ProcessGroup {
  readonly pgid: number
  readonly session: Session
  readonly processes: readonly Process[]
}
export class Session {
  readonly sid: number
  readonly processGroups: readonly ProcessGroup[]
}
export class Thread {
  readonly tid: number
  readonly process: Process
  readonly data: unknown
  exit(code: number): boolean
}
export class HierarchyError extends Error {
  code: string
}

/** The live hierarchy under a process (default: this one), read from the kernel in one native call, shaped as the same classes
 *  with `data: ProcessInfo`. */
export function processTree(pid?: number): Hierarchy
export interface ProcessInfo {
  ppid: number
  state: string
  command: string
  startTime: number
  rss: number
  cpuTime: number
}
