import type { InspectOptions } from 'node:util'
import { util } from '../builtins.ts'
import { PidMap } from './pid-map.ts'
import type { ProcessGroup } from './process-group.ts'
import type { Registry } from './registry.ts'

/** The groups of a session, for the files of this folder. Weak: being a member keeps nobody in memory. */
let groupsOf: (session: Session) => PidMap<WeakRef<ProcessGroup>>

/**
 * A collection of process groups, as under one terminal. It lives from its first group to its last.
 *
 * @see {@link https://man7.org/linux/man-pages/man7/credentials.7.html | credentials(7)}
 */
export class Session {
  static {
    groupsOf = (session) => session.#groups
  }

  readonly #sid: number
  readonly #groups = new PidMap<WeakRef<ProcessGroup>>()

  /** @internal Sessions come from `Process.createSession`. */
  constructor(sid: number) {
    this.#sid = sid
  }

  /** The session id: the pid of the process that created it. */
  get sid(): number {
    return this.#sid
  }

  /** The groups with members in this session, in the order of their ids. Empty once the last of them is gone. */
  get processGroups(): readonly ProcessGroup[] {
    return this.#groups.values().flatMap((group) => group.deref() ?? [])
  }

  /** @internal Ids only, never the graph. */
  [util.inspect.custom](_depth: number, options: InspectOptions): string {
    return `Session ${util.inspect({ sid: this.#sid, processGroups: this.#groups.size }, options)}`
  }
}

/** Lists a group in its session, and the session in the book when it is the first. */
export const listGroup = (registry: Registry, group: ProcessGroup): void => {
  const { session } = group
  registry.sessions.set(session.sid, session)
  groupsOf(session).set(group.pgid, new WeakRef(group))
}

/** Takes a group out of its session, and the session out of the book when it was the last. */
export const unlistGroup = (registry: Registry, group: ProcessGroup): void => {
  const groups = groupsOf(group.session)
  groups.delete(group.pgid)
  if (groups.size === 0) registry.sessions.delete(group.session.sid)
}
