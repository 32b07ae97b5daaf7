import type { InspectOptions } from 'node:util'
import { util } from '../builtins.ts'
import { HierarchyError } from './error.ts'
import { PidMap } from './pid-map.ts'
import { listGroup, unlistGroup, type Session } from './session.ts'
import type { Process } from './process.ts'
import type { Registry } from './registry.ts'

/** The members of a group, for the files of this folder. Weak: being a member keeps nobody in memory. */
let membersOf: (group: ProcessGroup) => PidMap<WeakRef<Process>>

/** Tells whether a value is a process group of this hierarchy, be it one that has lost its members. */
let isGroupOf: (registry: Registry, value: unknown) => boolean

/**
 * A collection of processes in one session, as the kernel signals them together. It lives from its first member to its
 * last; zombies are members until they are freed.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/setpgid.2.html | setpgid(2)}
 */
export class ProcessGroup {
  static {
    membersOf = (group) => group.#members
    isGroupOf = (registry, value) =>
      typeof value === 'object' && value !== null && #home in value && value.#home === registry.self
  }

  readonly #home: WeakRef<Registry>
  readonly #pgid: number
  readonly #session: Session
  readonly #members = new PidMap<WeakRef<Process>>()

  /** @internal Groups come from `Process.createGroup` and `Process.createSession`. Listed once it has a member. */
  constructor(registry: Registry, pgid: number, session: Session) {
    this.#home = registry.self
    this.#pgid = pgid
    this.#session = session
  }

  /** The process group id: the pid of the process that created it. */
  get pgid(): number {
    return this.#pgid
  }

  /** The session this group belongs to, for ever. */
  get session(): Session {
    return this.#session
  }

  /** The processes in this group, zombies included, in the order of their pids. Empty once the last of them is gone. */
  get processes(): readonly Process[] {
    return this.#members.values().flatMap((member) => member.deref() ?? [])
  }

  /** @internal Ids only, never the graph. */
  [util.inspect.custom](_depth: number, options: InspectOptions): string {
    const { pgid, session } = this
    return `ProcessGroup ${util.inspect({ pgid, session: session.sid, processes: this.#members.size }, options)}`
  }
}

/** @throws {HierarchyError} `ERR_HIERARCHY_FOREIGN_GROUP`. */
export const requireGroupOf = (registry: Registry, value: unknown): void => {
  if (isGroupOf(registry, value)) return
  throw new HierarchyError(
    'ERR_HIERARCHY_FOREIGN_GROUP',
    `expected a process group of the process' own hierarchy, got ${util.inspect(value, { depth: 0 })}`,
  )
}

/** Makes a process a member. The first member brings the group, and the session if need be, into the book. */
export const joinGroup = (registry: Registry, group: ProcessGroup, pid: number, process: WeakRef<Process>): void => {
  const members = membersOf(group)
  if (members.size === 0) {
    registry.groups.set(group.pgid, group)
    listGroup(registry, group)
  }
  members.set(pid, process)
}

/** Ends a membership. The last member takes the group, and the session if need be, out of the book. */
export const leaveGroup = (registry: Registry, group: ProcessGroup, pid: number): void => {
  const members = membersOf(group)
  members.delete(pid)
  if (members.size === 0) {
    registry.groups.delete(group.pgid)
    unlistGroup(registry, group)
  }
}
