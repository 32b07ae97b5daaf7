import { EventEmitter } from 'node:events'

import type { Child, Wait } from './child.ts'
import { listenToOrphans } from './environment.ts'
import type { ExitStatus } from './exit-status.ts'
import { binding, FLAG, HAPPENED } from './native.ts'
import { readStatus } from './status-row.ts'

/** Takes processes that nobody waits for any more, and sees to it that they are reaped. */
export interface OrphanQueue<T extends Wait = Wait> {
  /** Number of orphans that have not been reaped. */
  readonly size: number
  /** Hands a process over. Returns at once; it is reaped when it ends. */
  pushOrphan(orphan: T): void
  /** Reaps those that have ended, now. Never blocks. Returns the number reaped by this call. */
  reapOrphans(): number
}

/** An orphan that was reaped. */
export interface ReapedOrphan {
  /** The pid it had; the kernel may give it to another process from now on. */
  readonly pid: number
  /** How it ended. */
  readonly status: ExitStatus
  /** Whether it was none of our children, but fell to us when its own parent ended. */
  readonly adopted: boolean
}

type ReapListener = (orphan: ReapedOrphan) => void

/** The queue that all threads of this OS process share; the listeners are this environment's own. */
class GlobalOrphanQueue implements OrphanQueue<Child> {
  readonly #emitter = new EventEmitter()

  get size(): number {
    return binding.orphanCount()
  }

  pushOrphan(orphan: Child): void {
    orphan.orphan()
  }

  reapOrphans(): number {
    return binding.reapOrphans()
  }

  on(event: 'reap', listener: ReapListener): void {
    this.#emitter.on(event, listener)
    listenToOrphans((rows, offset) => {
      // An orphan that never became a program, or whose status was taken by somebody else, has none to tell.
      if (rows[offset] !== HAPPENED.ended) return
      const adopted = (rows[offset + 3]! & FLAG.adopted) !== 0
      this.#emitter.emit('reap', { pid: rows[offset + 2]!, status: readStatus(rows, offset), adopted })
    })
  }

  off(event: 'reap', listener: (...args: never[]) => void): void {
    this.#emitter.off(event, listener as ReapListener)
    if (this.#emitter.listenerCount('reap') === 0) listenToOrphans(undefined)
  }
}

/**
 * The one orphan queue of this OS process, shared by all its threads. It reaps by itself; `reapOrphans()` only hurries it.
 *
 * `'reap'` is emitted for every orphan that was reaped, in every environment that listens. Listening does not hold the
 * event loop open.
 */
export const orphanQueue: OrphanQueue<Child> & {
  on(event: 'reap', listener: ReapListener): void
  off(event: 'reap', listener: (...args: never[]) => void): void
} = new GlobalOrphanQueue()
