import { HierarchyError } from './error.ts'
import type { Process } from './process.ts'
import type { Thread } from './thread.ts'

/** What both builders share: they carry the data and build once. */
abstract class Builder<T> {
  readonly #subject: string
  readonly #make: (data: unknown) => T
  #data: unknown
  #built = false

  /** @internal Builders come from `Process.fork` and `Process.newThread`. */
  constructor(subject: string, make: (data: unknown) => T) {
    this.#subject = subject
    this.#make = make
  }

  /**
   * Sets what `data` will be. Called again, the last value counts.
   *
   * @throws {HierarchyError} `ERR_HIERARCHY_BUILT` after `build()`.
   */
  data(value: unknown): this {
    this.#requireUnbuilt()
    this.#data = value
    return this
  }

  protected finish(): T {
    this.#requireUnbuilt()
    const made = this.#make(this.#data)
    // Only now: a builder whose build() threw has built nothing and may be used again.
    this.#built = true
    return made
  }

  #requireUnbuilt(): void {
    if (!this.#built) return
    throw new HierarchyError(
      'ERR_HIERARCHY_BUILT',
      `the builder of ${this.#subject} has built already: one builder, one build(); call fork() or newThread() again`,
    )
  }
}

/**
 * A process about to be born: `parent.fork(pid).data(x).build()`. It reserves nothing, so the pid and the parent are looked
 * at again when it builds.
 */
export class ProcessBuilder extends Builder<Process> {
  /**
   * Builds the process: a running child of its parent, in the parent's group and session as they are now.
   *
   * @throws {HierarchyError} `ERR_HIERARCHY_BUILT` when called twice; `ERR_HIERARCHY_PID_EXISTS` when the pid was taken,
   * `ERR_HIERARCHY_ZOMBIE` or `ERR_HIERARCHY_FREED` when the parent exited since `fork()`; `ERR_HIERARCHY_GONE`.
   */
  build(): Process {
    return this.finish()
  }
}

/** A thread about to start: `process.newThread(tid).data(x).build()`. It reserves nothing. */
export class ThreadBuilder extends Builder<Thread> {
  /**
   * Builds the thread, running in its process.
   *
   * @throws {HierarchyError} `ERR_HIERARCHY_BUILT` when called twice; `ERR_HIERARCHY_TID_EXISTS` when the tid was taken,
   * `ERR_HIERARCHY_ZOMBIE` or `ERR_HIERARCHY_FREED` when the process exited since `newThread()`; `ERR_HIERARCHY_GONE`.
   */
  build(): Thread {
    return this.finish()
  }
}
