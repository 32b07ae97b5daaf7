import type { InspectOptions } from 'node:util'
import { util } from '../builtins.ts'
import { HierarchyError } from './error.ts'
import { PidMap } from './pid-map.ts'
import type { Process } from './process.ts'

/** What the threads of one process have in common. */
export class ThreadGroup {
  readonly threads = new PidMap<Thread>()
  exitCode = 0
  groupExited = false

  /** @throws {HierarchyError} `ERR_HIERARCHY_BAD_TID`, `ERR_HIERARCHY_TID_EXISTS`. */
  requireFree(tid: number): void {
    if (!Number.isSafeInteger(tid) || tid <= 0) {
      throw new HierarchyError('ERR_HIERARCHY_BAD_TID', `a tid must be a positive safe integer, got ${String(tid)}`)
    }
    if (this.threads.has(tid)) {
      throw new HierarchyError(
        'ERR_HIERARCHY_TID_EXISTS',
        `the process already has a thread ${tid}: take another tid, or let that thread exit() first`,
      )
    }
  }
}

/** A thread of a process. */
export class Thread {
  readonly #tid: number
  readonly #process: Process
  readonly #data: unknown
  readonly #group: ThreadGroup

  /** @internal Threads come from `Process.newThread`. */
  constructor(tid: number, process: Process, group: ThreadGroup, data: unknown) {
    this.#tid = tid
    this.#process = process
    this.#group = group
    this.#data = data
    group.threads.set(tid, this)
  }

  /** The thread id, unique within its process. */
  get tid(): number {
    return this.#tid
  }

  /** The process this thread belongs to. */
  get process(): Process {
    return this.#process
  }

  /** What the builder was given; `undefined` if nothing. */
  get data(): unknown {
    return this.#data
  }

  /**
   * Ends the thread. Its code becomes the process' `exitCode`, unless a group exit has frozen that. The process itself
   * goes on: call `process.exit()` when the answer is `true`.
   *
   * @param code - any safe integer.
   * @returns `true` when this was the last thread of its process.
   * @throws {HierarchyError} `ERR_HIERARCHY_THREAD_EXITED` when it has exited before, or its process has;
   * `ERR_HIERARCHY_BAD_EXIT_CODE`.
   */
  exit(code: number): boolean {
    const { threads } = this.#group
    if (threads.get(this.#tid) !== this) {
      throw new HierarchyError(
        'ERR_HIERARCHY_THREAD_EXITED',
        `thread ${this.#tid} of process ${this.#process.pid} has already exited: a thread exits once`,
      )
    }
    if (!Number.isSafeInteger(code)) {
      throw new HierarchyError('ERR_HIERARCHY_BAD_EXIT_CODE', `an exit code must be an integer, got ${String(code)}`)
    }
    if (!this.#group.groupExited) this.#group.exitCode = code
    threads.delete(this.#tid)
    return threads.size === 0
  }

  /** @internal Ids only, never the graph. */
  [util.inspect.custom](_depth: number, options: InspectOptions): string {
    return `Thread ${util.inspect({ tid: this.#tid, process: this.#process.pid }, options)}`
  }
}
