import type { Readable, Writable } from 'node:stream'
import type { InspectOptions } from 'node:util'

import { util } from './builtins.ts'
import { callComplaint } from './complaint.ts'
import { forget, listen, onExec, onExit, openEnvironment } from './environment.ts'
import { errnoName, SpawnError, spawnErrorFromErrno, WaitError } from './errors.ts'
import { ExitStatus } from './exit-status.ts'
import { countOf, familyOfChild, NOBODY, stopFamily } from './family.ts'
import { binding, FLAG, HAPPENED, ROW } from './native.ts'
import type { Invocation } from './invocation.ts'
import type { CheckedOptions } from './options.ts'
import {
  checkOutputOptions,
  collectOutput,
  type CheckedOutputOptions,
  type Output,
  type OutputOptions,
} from './output.ts'
import { escalate, type StopOptions } from './stop.ts'
import { toSignalNumber, type Signal } from './signals.ts'
import { type Descriptor, KIND } from './stdio.ts'
import { openStream } from './streams.ts'
import { readStatus } from './status-row.ts'

/** A process that can be waited for. */
export interface Wait {
  /** The process id the kernel gave it. */
  readonly pid: number
  /** Its status if it has ended; `null` while it runs. Never blocks. */
  tryWait(): ExitStatus | null
  /** Its status as soon as it has ended; always the same one, however often and however late this is called. */
  wait(): Promise<ExitStatus>
}

/** A process that can be sent a signal. */
export interface Kill {
  /** `true` if the signal was delivered, `false` if the process is already gone; never hits a pid that was reused. */
  kill(signal?: Signal | number): boolean
}

/** What a child is made of. */
export interface ChildInit {
  readonly id: number
  readonly pid: number
  readonly invocation: Invocation
  readonly options: CheckedOptions
}

/** Makes the handle of a process that was just started. */
export let makeChild: (init: ChildInit) => Child

/** What the other parts of the facade may know of a child. */
export interface ChildInternals {
  readonly id: number
  readonly options: CheckedOptions
  /** Whether there is a status, or the reason why there is none. */
  readonly isOver: boolean
  /** Whether the handle was given up. */
  readonly isGivenUp: boolean
  /** A stream that was made; `undefined` for a pipe that was not read yet, `null` where there is no pipe. */
  readonly stream: (index: number) => Readable | Writable | null | undefined
  /** Calls a function as soon as the child is over. */
  readonly onEnd: (listener: () => void) => void
}

/** Opens a child up to the other parts of the facade. */
export let childInternals: (child: Child) => ChildInternals

type StreamSlot = Readable | Writable | null | undefined

/** Nothing is ever put in there, so that it can be everybody's. */
const NO_PIPES: StreamSlot[] = [null, null, null]

/** Its streams before any was made: `undefined` for a pipe, `null` where there is none and never will be. */
const streamsToBe = (descriptors: readonly Descriptor[]): StreamSlot[] => {
  if (descriptors.length === 3) {
    const [stdin, stdout, stderr] = descriptors as [Descriptor, Descriptor, Descriptor]
    const hasPipe = stdin.kind === KIND.pipe || stdout.kind === KIND.pipe || stderr.kind === KIND.pipe
    return hasPipe ? [slotOf(stdin), slotOf(stdout), slotOf(stderr)] : NO_PIPES
  }
  return descriptors.map(slotOf)
}

const slotOf = ({ kind }: Descriptor): undefined | null => (kind === KIND.pipe ? undefined : null)

/** The only way to a child is spawn(). */
const MADE_BY_SPAWN = Symbol('made by spawn')

const row = new Float64Array(ROW)

const SIGKILL = 9

const ignoreRejection = (): void => {}

/**
 * A process that was spawned.
 *
 * It holds the event loop open until it has ended, unless {@link unref} was called. A handle that nobody keeps is no
 * zombie: the process is reaped whether or not anybody waits for it.
 */
export class Child implements Wait, Kill {
  /** The process id. The kernel gives it to nobody else before the process has ended and was reaped. */
  readonly pid: number
  /** The program that was executed; a shell's path with the option `shell`. */
  readonly spawnfile: string
  /** Its arguments, `argv[0]` included. */
  readonly spawnargs: readonly string[]

  readonly #id: number
  readonly #options: CheckedOptions
  readonly #streams: StreamSlot[]
  #status: ExitStatus | null = null
  /** Why there is no status and never will be one. */
  #failure: Error | undefined
  /** Promised to everybody who waits. */
  #waited: Promise<ExitStatus> | undefined
  /** With a promise that was rejected, it rejects. */
  #resolve: ((status: ExitStatus | Promise<never>) => void) | undefined
  #spawned: { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } | undefined
  #output: Promise<Output<string | Buffer>> | undefined
  #onEnd: (() => void)[] | undefined

  /** @internal */
  constructor(key: symbol, init: ChildInit) {
    if (key !== MADE_BY_SPAWN) throw new TypeError('A Child is made by spawn()')
    const { id, pid, invocation, options } = init
    this.#id = id
    this.pid = pid
    this.spawnfile = invocation.file
    this.spawnargs = invocation.argv
    this.#options = options
    this.#streams = streamsToBe(options.descriptors)
    // From its spawn on it holds the event loop open.
    listen(id, this)
  }

  /** Its stdin; `null` where that is no pipe. Made when first read. Errors of a child that stops reading are swallowed. */
  get stdin(): Writable | null {
    return this.#stream(0) as Writable | null
  }

  /** Its stdout; `null` where that is no pipe. Made when first read. */
  get stdout(): Readable | null {
    return this.#stream(1) as Readable | null
  }

  /** Its stderr; `null` where that is no pipe, or the same as stdout. Made when first read. */
  get stderr(): Readable | null {
    return this.#stream(2) as Readable | null
  }

  /** Our ends of all its pipes, by its descriptors. Those past the third are duplex streams. */
  get stdio(): readonly (Readable | Writable | null)[] {
    return this.#streams.map((_, index) => this.#stream(index))
  }

  #stream(index: number): Readable | Writable | null {
    const known = this.#streams[index]
    if (known !== undefined) return known
    const made = openStream(this.#isGone() ? null : binding.claim(openEnvironment(), this.#id, index), index)
    this.#streams[index] = made
    // A child that has ended reads no more.
    if (index === 0 && this.#status !== null) made.destroy()
    return made
  }

  /** Whether the handle was given up. */
  #isGone(): boolean {
    return this.#failure instanceof WaitError && this.#failure.code === 'ERR_CHILD_ORPHANED'
  }

  /** Resolves once the program was executed; rejects with a {@link SpawnError} if it could not be. */
  get spawned(): Promise<void> {
    if (this.#spawned === undefined) {
      let resolve!: () => void
      let reject!: (error: Error) => void
      const promise = new Promise<void>((resolvePromise, rejectPromise) => {
        resolve = resolvePromise
        reject = rejectPromise
      })
      // Looking at it is no promise to handle it: wait() tells the same.
      promise.catch(ignoreRejection)
      this.#spawned = { promise, resolve, reject }
      if (this.#failure !== undefined) reject(this.#failure)
      else if (this.#status !== null || binding.watchExec(openEnvironment(), this.#id)) resolve()
    }
    return this.#spawned.promise
  }

  /** How it ended; `null` while that is not known here. {@link tryWait} looks. */
  get exitStatus(): ExitStatus | null {
    return this.#status
  }

  /**
   * Its status if it has ended; `null` while it runs, and after the handle was given up. Never blocks.
   *
   * @throws {SpawnError} when the program could not be executed.
   */
  tryWait(): ExitStatus | null {
    if (this.#status === null && this.#failure === undefined && binding.tryWait(openEnvironment(), this.#id, row)) {
      forget(this.#id)
      this[onExit](row, 0)
    }
    if (this.#failure instanceof SpawnError) throw this.#failure
    return this.#status
  }

  /**
   * Its status as soon as it has ended, whatever becomes of its pipes; always the same one, however often and however late
   * this is called.
   *
   * Rejects with a {@link SpawnError} when the program could not be executed, with a {@link WaitError} when the handle was
   * given up.
   *
   * @see {@link https://man7.org/linux/man-pages/man2/waitid.2.html | waitid(2)}
   */
  wait(): Promise<ExitStatus> {
    if (this.#waited === undefined) {
      // Not under way any more: then there is nobody to keep a function for.
      if (this.#status !== null) return Promise.resolve(this.#status)
      if (this.#failure !== undefined) return Promise.reject(this.#failure)
      this.#waited = new Promise((resolve) => {
        this.#resolve = resolve
      })
    }
    return this.#waited
  }

  /**
   * Sends it a signal. Never reaches a process that was given the same pid.
   *
   * @param signal - name or number; 0 only asks whether it is there. @default 'SIGTERM'
   * @returns `false` when it is already gone, or the handle was given up.
   * @throws {TypeError} with `code` `ERR_UNKNOWN_SIGNAL` for what is no signal.
   * @throws {Error} with `code` `EPERM` when it changed its credentials.
   * @see {@link https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html | pidfd_send_signal(2)}
   */
  kill(signal: Signal | number = 'SIGTERM'): boolean {
    const number = toSignalNumber(signal)
    if (this.#status !== null || this.#failure !== undefined) return false
    const result = binding.kill(openEnvironment(), this.#id, number)
    if (result >= 0) return result === 1
    const code = errnoName(-result)
    throw Object.assign(new Error(`kill ${this.pid} with signal ${signal}: ${code}`), {
      code,
      errno: result,
      syscall: 'kill',
    })
  }

  /**
   * Sends a signal to it and to all its living descendants, those that left its process group or session included. They are
   * stopped first (SIGSTOP) and looked for again until nobody new turns up, then signalled, each as safely as by
   * {@link kill}, and let go on (SIGCONT). It takes some milliseconds, in which the event loop stands still.
   *
   * On Linux descendants are found whose parents have ended, and also after it has ended itself. `docs/hierarchy.md` says
   * who can escape.
   *
   * @param signal - name or number; 0 only counts. @default 'SIGTERM'
   * @returns the number of processes signalled; 0 when none is left, or the handle was given up.
   * @throws {TypeError} with `code` `ERR_UNKNOWN_SIGNAL` for what is no signal.
   * @throws {ProcessError} with `code` `EPERM` when none of those that are left is ours to signal, `ENOENT` where `/proc` is
   * not mounted, `EMFILE` when there is no descriptor left.
   */
  killTree(signal: Signal | number = 'SIGTERM'): number {
    const number = toSignalNumber(signal)
    if (this.#isGone()) return 0
    return countOf(familyOfChild(this.#id, this.pid)(number, NOBODY))
  }

  /**
   * Asks it to end, waits, then insists: `signal`, `grace` milliseconds, SIGKILL. With `tree`, all its descendants, too, and
   * not one of them is left when it resolves.
   *
   * Resolves with its status, at once if it has ended already; rejects as {@link wait} does.
   */
  async stop(options: StopOptions = {}): Promise<ExitStatus> {
    return escalate(this, options)
  }

  /**
   * Reads both pipes to the end and waits. Its stdin is closed, unless you have read {@link stdin} and so taken it over.
   *
   * Rejects with a {@link MaxBufferError} when a stream is more than `maxBuffer`, and as {@link wait} does; a status that is
   * no success is not an error here. Asked again, it is the same output.
   */
  output(options: OutputOptions = {}): Promise<Output<string | Buffer>> {
    if (this.#output === undefined) {
      let checked: CheckedOutputOptions
      try {
        checked = checkOutputOptions(options, callComplaint)
      } catch (error) {
        // Nothing was read: it can be asked again, better.
        return Promise.reject(error as Error)
      }
      this.#output = collectOutput(this, childInternals(this), checked, undefined)
    }
    return this.#output
  }

  /**
   * Gives the handle up: the orphan queue reaps it when it ends, and {@link wait} rejects from then on.
   *
   * Pipes that were never read here are closed; streams that you have are yours.
   */
  orphan(): void {
    if (this.#status !== null || this.#failure !== undefined) return
    binding.orphan(openEnvironment(), this.#id)
    this.#giveUp('orphan()')
  }

  /** Makes it hold the event loop open again. */
  ref(): this {
    if (this.#status === null && this.#failure === undefined) binding.hold(openEnvironment(), this.#id, true)
    return this
  }

  /** Lets the program end while it runs. Streams of its that you read hold the event loop open themselves. */
  unref(): this {
    if (this.#status === null && this.#failure === undefined) binding.hold(openEnvironment(), this.#id, false)
    return this
  }

  /**
   * Drops the handle: kills it if `killOnDrop` is set, else lets it run; the orphan queue reaps it. Closes all streams.
   *
   * {@link wait} rejects from then on, unless it had ended.
   */
  [Symbol.dispose](): void {
    if (this.#status === null && this.#failure === undefined) {
      binding.dropChild(openEnvironment(), this.#id)
      this.#giveUp('dispose')
    } else {
      binding.release(openEnvironment(), this.#id)
    }
    this.#destroyStreams()
  }

  /** Drops the handle, and waits until it is gone when `killOnDrop` is set. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#options.killOnDrop && this.#status === null && this.#failure === undefined) {
      if (this.#options.killTree) {
        // Whatever keeps its descendants from being found does not keep it alive itself.
        await stopFamily(familyOfChild(this.#id, this.pid), { signal: SIGKILL, grace: 0 }).catch(ignoreRejection)
      }
      this.kill('SIGKILL')
      // It may turn out that there never was a program, or that somebody else has waited for it: gone is gone.
      await this.wait().catch(ignoreRejection)
    }
    this[Symbol.dispose]()
  }

  #destroyStreams(): void {
    for (const [index, stream] of this.#streams.entries()) {
      stream?.destroy()
      // Not made and not to be made any more: what was in the pipe is gone with it.
      if (stream === undefined) this.#streams[index] = openStream(null, index).destroy()
    }
  }

  #giveUp(how: string): void {
    forget(this.#id)
    const message = `The handle of process ${this.pid} was given up by ${how}: its status goes to the orphan queue`
    this.#fail(new WaitError(message, 'ERR_CHILD_ORPHANED', this.pid))
  }

  #fail(error: Error): void {
    this.#failure = error
    this.#resolve?.(Promise.reject(error))
    this.#spawned?.reject(error)
    this.#end()
  }

  #end(): void {
    const listeners = this.#onEnd
    if (listeners === undefined) return
    this.#onEnd = undefined
    for (const listener of listeners) listener()
  }

  /** @internal */
  [onExec](): void {
    this.#spawned?.resolve()
  }

  /**
   * The child has ended: takes the status over, or the reason why there is none.
   * @internal
   */
  [onExit](rows: Float64Array, offset: number): void {
    if (rows[offset + 3]! & FLAG.hasLeftovers) leftovers.register(this, this.#id)
    // Who still writes to its stdin writes to nobody.
    this.#streams[0]?.destroy()
    switch (rows[offset]) {
      case HAPPENED.notExecuted:
        return this.#fail(this.#spawnError(rows[offset + 5]!, rows[offset + 6]!))
      case HAPPENED.lost: {
        const code = errnoName(rows[offset + 6]!)
        return this.#fail(new WaitError(`waitid ${this.pid} ${code}: somebody else has its status`, code, this.pid))
      }
    }
    this.#status = readStatus(rows, offset)
    this.#resolve?.(this.#status)
    this.#spawned?.resolve()
    this.#end()
  }

  #spawnError(step: number, errno: number): SpawnError {
    const failure = { step, errno, path: this.#options.cwd ?? '', syscall: step === 4 ? 'chdir' : 'setup' }
    return spawnErrorFromErrno(this.spawnfile, this.spawnargs.slice(1), step === 5 ? { step, errno } : failure)
  }

  /** @internal */
  [util.inspect.custom](_depth: number, options: InspectOptions): string {
    const { pid, spawnfile, spawnargs, exitStatus } = this
    return `Child ${util.inspect({ pid, spawnfile, spawnargs, exitStatus }, options)}`
  }

  static {
    makeChild = (init) => new Child(MADE_BY_SPAWN, init)
    childInternals = (child) => ({
      id: child.#id,
      options: child.#options,
      isOver: child.#status !== null || child.#failure !== undefined,
      isGivenUp: child.#isGone(),
      stream: (index) => child.#streams[index],
      onEnd: (listener) => void (child.#onEnd ??= []).push(listener),
    })
  }
}

/** Closes what is left of the pipes of a child that has ended, once nobody can ask for it any more. */
const leftovers = new FinalizationRegistry<number>((id) => binding.release(openEnvironment(), id))
