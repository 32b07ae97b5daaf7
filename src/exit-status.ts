import type { InspectOptions } from 'node:util'

import { util } from './builtins.ts'
import { signalName, type Signal } from './signals.ts'

/** What a process used: fields and units of `process.resourceUsage()`. */
export type Usage = Omit<NodeJS.ResourceUsage, 'maxRSS'> & {
  /**
   * Peak resident set size in kilobytes; `null` where the kernel cannot tell it from ours, because exec carries the peak
   * of the process that spawns over to the one that is spawned. Never a wrong number.
   */
  readonly maxRSS: number | null
}

const USAGE_FIELDS = [
  'userCPUTime',
  'systemCPUTime',
  'maxRSS',
  'sharedMemorySize',
  'unsharedDataSize',
  'unsharedStackSize',
  'minorPageFault',
  'majorPageFault',
  'swappedOut',
  'fsRead',
  'fsWrite',
  'ipcSent',
  'ipcReceived',
  'signalsCount',
  'voluntaryContextSwitches',
  'involuntaryContextSwitches',
] as const

/**
 * How a process ended, and what it used.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/waitid.2.html | waitid(2)}
 */
export class ExitStatus {
  /** The exit code, 0 to 255; `null` when a signal ended the process. */
  readonly code: number | null
  /** The signal that ended the process, real-time signals as `SIGRTMIN+n`; `null` when it ended by itself. */
  readonly signal: Signal | null
  /** Whether the kernel wrote a core dump. */
  readonly coreDumped: boolean
  /** Milliseconds from spawn to exit. */
  readonly duration: number
  #usage: Usage | readonly number[]
  #maxRssIsOwn: boolean

  /** @internal */
  constructor(
    code: number,
    signal: number,
    coreDumped: boolean,
    duration: number,
    usage: readonly number[],
    maxRssIsOwn: boolean,
  ) {
    this.code = signal === 0 ? code : null
    this.signal = signal === 0 ? null : signalName(signal)
    this.coreDumped = coreDumped
    this.duration = duration
    this.#usage = usage
    this.#maxRssIsOwn = maxRssIsOwn
    // Everybody who waits gets this same object.
    Object.freeze(this)
  }

  /** Whether the exit code is 0. */
  get success(): boolean {
    return this.code === 0
  }

  /**
   * What the process and the descendants it waited for have used, as told by `waitid` when it was reaped.
   *
   * @see {@link https://man7.org/linux/man-pages/man2/getrusage.2.html | getrusage(2)}
   */
  get usage(): Usage {
    // Most are never looked at, so the object is made when one is.
    if (Array.isArray(this.#usage)) {
      const numbers = this.#usage as readonly number[]
      const fields = Object.fromEntries(USAGE_FIELDS.map((field, index) => [field, numbers[index]]))
      this.#usage = Object.freeze({ ...fields, maxRSS: this.#maxRssIsOwn ? fields['maxRSS'] : null }) as Usage
    }
    return this.#usage as Usage
  }

  /** `exit code 1`, or `signal SIGSEGV (core dumped)`. */
  toString(): string {
    if (this.signal === null) return `exit code ${this.code}`
    return `signal ${this.signal}${this.coreDumped ? ' (core dumped)' : ''}`
  }

  /** All that is known, as a plain object. */
  toJSON(): object {
    const { code, signal, success, coreDumped, duration, usage } = this
    return { code, signal, success, coreDumped, duration, usage }
  }

  /** @internal */
  [util.inspect.custom](_depth: number, options: InspectOptions): string {
    return `ExitStatus ${util.inspect(this.toJSON(), options)}`
  }
}
