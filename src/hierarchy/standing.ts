import { HierarchyError } from './error.ts'
import type { Registry } from './registry.ts'

/** Where a process is in its life, and whether it may therefore act: running, zombie, freed. */
export class Standing {
  readonly #pid: number
  readonly #home: WeakRef<Registry>
  isZombie = false
  isFreed = false

  constructor(pid: number, home: WeakRef<Registry>) {
    this.#pid = pid
    this.#home = home
  }

  /** The book, if it still exists: for what works without it. */
  get registry(): Registry | undefined {
    return this.#home.deref()
  }

  /**
   * The book, provided that the process runs.
   *
   * @param action - what it is about to do, for the message.
   * @throws {HierarchyError} `ERR_HIERARCHY_ZOMBIE`, and as {@link Standing.present}.
   */
  running(action: string): Registry {
    const registry = this.present(action)
    if (!this.isZombie) return registry
    throw new HierarchyError(
      'ERR_HIERARCHY_ZOMBIE',
      `process ${this.#pid} is a zombie and cannot ${action}: all that is left to do is to free() it`,
    )
  }

  /**
   * The book, provided that the process is in it.
   *
   * @throws {HierarchyError} `ERR_HIERARCHY_FREED`, `ERR_HIERARCHY_GONE`.
   */
  present(action: string): Registry {
    if (this.isFreed) {
      throw new HierarchyError(
        'ERR_HIERARCHY_FREED',
        `process ${this.#pid} was freed and cannot ${action}: it is no longer part of the hierarchy, let go of it`,
      )
    }
    const registry = this.#home.deref()
    if (registry !== undefined) return registry
    throw new HierarchyError(
      'ERR_HIERARCHY_GONE',
      `process ${this.#pid} cannot ${action}: its hierarchy was garbage-collected; hold the Hierarchy or its init`,
    )
  }
}
