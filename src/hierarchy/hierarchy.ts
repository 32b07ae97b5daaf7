import type { InspectOptions } from 'node:util'
import { util } from '../builtins.ts'
import { createInit, type Process } from './process.ts'
import { Registry, requirePid } from './registry.ts'

/** The book of a hierarchy, for the files of this folder. */
export let registryOf: (hierarchy: Hierarchy) => Registry

/**
 * A family of processes under one init. It is bookkeeping alone: no kernel is asked and no process is touched. Any number
 * of hierarchies may exist side by side; they know nothing of each other.
 *
 * Links upwards are weak: hold the `Hierarchy`, or its init, for as long as its processes are in use.
 *
 * @example
 * ```ts
 * const { init } = new Hierarchy()
 * const shell = init.fork(2).data('sh').build()
 * const sleep = shell.fork(3).data('sleep').build()
 * shell.exit() // a zombie; `sleep.parent` is init now
 * shell.free() // gone; its pid may be used again
 * ```
 */
export class Hierarchy {
  static {
    registryOf = (hierarchy) => hierarchy.#registry
  }

  readonly #registry = new Registry()

  /**
   * Founds a hierarchy of init alone, which leads a group and a session of its own.
   *
   * @param initPid - the pid of init: a positive safe integer. @default 1
   * @param data - what init's `data` is to be.
   * @throws {HierarchyError} `ERR_HIERARCHY_BAD_PID`.
   */
  constructor(initPid = 1, data?: unknown) {
    requirePid(initPid)
    createInit(this.#registry, initPid, data)
  }

  /** The process everything else descends from. */
  get init(): Process {
    return this.#registry.init
  }

  /** The number of processes, init and zombies included. */
  get size(): number {
    return this.#registry.processes.size
  }

  /** The process with this pid, running or zombie; `undefined` if there is none. */
  get(pid: number): Process | undefined {
    return this.#registry.processes.get(pid)
  }

  /**
   * Goes through all processes in the order of their pids. The family may change meanwhile: whoever is freed before their
   * turn is left out, and whoever is born after the start is not visited.
   */
  *[Symbol.iterator](): Generator<Process, void, undefined> {
    const { processes } = this.#registry
    for (const process of processes.values()) {
      if (processes.get(process.pid) === process) yield process
    }
  }

  /** @internal Ids only, never the graph. */
  [util.inspect.custom](_depth: number, options: InspectOptions): string {
    return `Hierarchy ${util.inspect({ init: this.init.pid, size: this.size }, options)}`
  }
}
