import { HierarchyError } from './error.ts'
import { PidMap } from './pid-map.ts'
import type { ProcessGroup } from './process-group.ts'
import type { Process } from './process.ts'
import type { Session } from './session.ts'

/**
 * The book of one hierarchy: everything in it, by number. The `Hierarchy` and its init hold it; everybody else reaches it
 * through {@link Registry.self}, so that a process somebody still holds does not keep its whole hierarchy in memory.
 */
export class Registry {
  /** The one weak reference to this book. It doubles as the mark by which members of one hierarchy know each other. */
  readonly self: WeakRef<Registry> = new WeakRef(this)
  readonly processes = new PidMap<Process>()
  readonly groups = new Map<number, ProcessGroup>()
  readonly sessions = new Map<number, Session>()
  /** Counts the times a process that already had children became a subreaper: see `Kinship.reaper`. */
  generation = 0
  #init: Process | null = null

  get init(): Process {
    if (this.#init === null) throw new Error('invariant: a hierarchy has its init before anything else')
    return this.#init
  }

  set init(process: Process) {
    this.#init = process
  }

  /**
   * Makes sure that a new process may have this pid. Like the kernel, which allocates one number for a process and for
   * the group and session it may lead, we do not give a pid out again while a group or session of that number lives.
   *
   * @throws {HierarchyError} `ERR_HIERARCHY_BAD_PID`, `ERR_HIERARCHY_PID_EXISTS`.
   */
  requireFree(pid: number): void {
    requirePid(pid)
    const holder = this.processes.get(pid)
    if (holder !== undefined) {
      const remedy = holder.isZombie ? 'a zombie: free() it first' : 'a running process: take another pid'
      throw new HierarchyError('ERR_HIERARCHY_PID_EXISTS', `pid ${pid} belongs to ${remedy}`)
    }
    if (this.groups.has(pid) || this.sessions.has(pid)) {
      const kind = this.groups.has(pid) ? 'process group' : 'session'
      throw new HierarchyError(
        'ERR_HIERARCHY_PID_EXISTS',
        `pid ${pid} is still the number of a ${kind} with members: take another pid, or wait until its last member is freed`,
      )
    }
  }
}

/** @throws {HierarchyError} `ERR_HIERARCHY_BAD_PID`. */
export const requirePid = (pid: number): void => {
  if (Number.isSafeInteger(pid) && pid > 0) return
  throw new HierarchyError('ERR_HIERARCHY_BAD_PID', `a pid must be a positive safe integer, got ${String(pid)}`)
}
