import { ProcessGroup, joinGroup, leaveGroup } from './process-group.ts'
import { Session } from './session.ts'
import type { Process } from './process.ts'
import type { Registry } from './registry.ts'

/** The group side of one process: which group, and by that which session, it is a member of. */
export class Membership {
  readonly #pid: number
  readonly #self: WeakRef<Process>
  #group: ProcessGroup

  constructor(registry: Registry, pid: number, self: WeakRef<Process>, group: ProcessGroup) {
    this.#pid = pid
    this.#self = self
    this.#group = group
    joinGroup(registry, group, pid, self)
  }

  /** The group; after {@link Membership.end} the last one. */
  get group(): ProcessGroup {
    return this.#group
  }

  /** As `Process.createSession`. */
  createSession(registry: Registry): { session: Session; group: ProcessGroup } | null {
    if (registry.sessions.has(this.#pid) || registry.groups.has(this.#pid)) return null
    const session = new Session(this.#pid)
    const group = new ProcessGroup(registry, this.#pid, session)
    this.change(registry, group)
    return { session, group }
  }

  /** As `Process.createGroup`. */
  createGroup(registry: Registry): ProcessGroup | null {
    if (registry.groups.has(this.#pid)) return null
    const group = new ProcessGroup(registry, this.#pid, this.#group.session)
    this.change(registry, group)
    return group
  }

  /** As `Process.moveToGroup`. */
  moveTo(registry: Registry, group: ProcessGroup): boolean {
    if (group === this.#group) return true
    if (group.session !== this.#group.session) return false
    // A group without members is in no book. Its number may be given out anew, but never while its own process is there:
    // for that one the kernel's setpgid(pid, pid) would make a group of this number, and so may this.
    const living = registry.groups.get(group.pgid)
    const mayEnter = living === group || (living === undefined && group.pgid === this.#pid)
    if (mayEnter) this.change(registry, group)
    return mayEnter
  }

  /**
   * Moves to another group, unconditionally. A session that loses its only group on leaving comes back with the one that
   * is joined, as the same object.
   */
  change(registry: Registry, group: ProcessGroup): void {
    leaveGroup(registry, this.#group, this.#pid)
    joinGroup(registry, group, this.#pid, this.#self)
    this.#group = group
  }

  /** Leaves the group for good. */
  end(registry: Registry): void {
    leaveGroup(registry, this.#group, this.#pid)
  }
}
