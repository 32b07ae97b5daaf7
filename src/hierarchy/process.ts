import type { InspectOptions } from 'node:util'
import { util } from '../builtins.ts'
import { ProcessBuilder, ThreadBuilder } from './builder.ts'
import { HierarchyError } from './error.ts'
import { Kinship } from './kinship.ts'
import { Membership } from './membership.ts'
import { ProcessGroup, requireGroupOf } from './process-group.ts'
import { Session } from './session.ts'
import { Standing } from './standing.ts'
import { Thread, ThreadGroup } from './thread.ts'
import type { Registry } from './registry.ts'

const NO_THREADS: readonly Thread[] = Object.freeze([])

/** The family side of a process, for the files of this folder. */
export let kinOf: (process: Process) => Kinship

/** Makes a process and lists it in the book and in its group. It has no parent yet: adopt it. */
export let createProcess: (registry: Registry, pid: number, group: ProcessGroup, data: unknown) => Process

/** Makes init: the process without a parent, whose being held keeps the whole hierarchy in memory. */
export let createInit: (registry: Registry, pid: number, data: unknown) => void

/** The group side of a process, for the files of this folder. */
export let membershipOf: (process: Process) => Membership

/**
 * A process of a {@link Hierarchy}: running, or a zombie from `exit()` to `free()`.
 *
 * Holding a process keeps its descendants in memory, not its parent: hold the `Hierarchy` or its init for as long as the
 * family is in use.
 *
 * A call that cannot be carried out changes nothing. Beside the errors named at each, all calls that change something
 * throw a {@link HierarchyError} with `ERR_HIERARCHY_ZOMBIE` once the process has exited (`free()` excepted),
 * `ERR_HIERARCHY_FREED` once it was freed, and `ERR_HIERARCHY_GONE` when its hierarchy was garbage-collected.
 */
export class Process {
  static {
    kinOf = (process) => process.#kin
    createProcess = (registry, pid, group, data) => new Process(registry, pid, group, data, null)
    createInit = (registry, pid, data) => {
      registry.init = new Process(registry, pid, new ProcessGroup(registry, pid, new Session(pid)), data, registry)
    }
    membershipOf = (process) => process.#membership
  }

  readonly #pid: number
  readonly #data: unknown
  /** Set for init alone: it keeps the hierarchy. */
  readonly #anchor: Registry | null
  readonly #standing: Standing
  readonly #kin: Kinship
  readonly #membership: Membership
  /** None until it is needed: most processes of a large family are not told of any thread. */
  #threadGroup: ThreadGroup | null = null

  private constructor(registry: Registry, pid: number, group: ProcessGroup, data: unknown, anchor: Registry | null) {
    this.#pid = pid
    this.#data = data
    this.#anchor = anchor
    this.#standing = new Standing(pid, registry.self)
    this.#kin = new Kinship(this)
    this.#membership = new Membership(registry, pid, this.#kin.self, group)
    registry.processes.set(pid, this)
  }

  /** The process id, unique within its hierarchy. */
  get pid(): number {
    return this.#pid
  }

  /** What the builder was given; `undefined` if nothing. */
  get data(): unknown {
    return this.#data
  }

  /** Tells whether this is the process everything else descends from: it has no parent and cannot exit. */
  get isInit(): boolean {
    return this.#anchor !== null
  }

  // Parent and children

  /** The process that forked this one, or adopted it since. `null` for init and for whoever was freed. */
  get parent(): Process | null {
    return this.#kin.parent
  }

  /** The children, zombies included, in the order of their pids. The array is frozen; read again after a change. */
  get children(): readonly Process[] {
    return this.#kin.children
  }

  /**
   * Whether orphans among the descendants come to this process rather than to init. Children do not inherit it. It means
   * nothing for init, which adopts anyway, nor for a zombie, which does not adopt; setting it never throws.
   *
   * @default false
   * @see {@link https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html | PR_SET_CHILD_SUBREAPER(2const)}
   */
  get isSubreaper(): boolean {
    return this.#kin.isSubreaper
  }

  set isSubreaper(value: boolean) {
    if (value === this.#kin.isSubreaper) return
    this.#kin.isSubreaper = value
    const { registry } = this.#standing
    if (value && registry !== undefined && this.#kin.childCount > 0) registry.generation += 1
  }

  /**
   * Begins a child: `fork(pid).data(x).build()`.
   *
   * @param pid - the child's: a positive safe integer that no process, group or session of the hierarchy has.
   * @throws {HierarchyError} `ERR_HIERARCHY_BAD_PID`, `ERR_HIERARCHY_PID_EXISTS`.
   */
  fork(pid: number): ProcessBuilder {
    this.#standing.running('fork').requireFree(pid)
    return new ProcessBuilder(`process ${pid}`, (data) => {
      const registry = this.#standing.running('fork')
      registry.requireFree(pid)
      const child = createProcess(registry, pid, this.group, data)
      this.#kin.adopt(child)
      return child
    })
  }

  // Group and session

  /** The group this process is in; for a freed one, the last it was in. */
  get group(): ProcessGroup {
    return this.#membership.group
  }

  /**
   * Creates a session and in it a group, both with this process' pid as their number, and moves the process there.
   *
   * @returns `null`, and nothing changes, when a session or group of that number lives already: when the process leads
   * its session or its group, or has left a group it created to others.
   * @see {@link https://man7.org/linux/man-pages/man2/setsid.2.html | setsid(2)}
   */
  createSession(): { session: Session; group: ProcessGroup } | null {
    return this.#membership.createSession(this.#standing.running('create a session'))
  }

  /**
   * Creates a group in the same session, with this process' pid as its number, and moves the process there.
   *
   * @returns `null`, and nothing changes, when a group of that number lives already: when the process leads its group, or
   * has left the group it created to others (`moveToGroup` takes it back there).
   * @see {@link https://man7.org/linux/man-pages/man2/setpgid.2.html | setpgid(2)}
   */
  createGroup(): ProcessGroup | null {
    return this.#membership.createGroup(this.#standing.running('create a group'))
  }

  /**
   * Moves this process to another group of its session. A group without members is gone for everybody but the process
   * whose pid is its number: that one may found it again by moving back.
   *
   * @returns `true` when it is there now, or was all along; `false`, and nothing changes, when the group is in another
   * session or is gone.
   * @throws {HierarchyError} `ERR_HIERARCHY_FOREIGN_GROUP` when it is not a group of this hierarchy.
   */
  moveToGroup(group: ProcessGroup): boolean {
    const registry = this.#standing.running('move to a group')
    requireGroupOf(registry, group)
    return this.#membership.moveTo(registry, group)
  }

  // Threads

  /** The threads that run in this process, in the order of their ids. None in a zombie. */
  get threads(): readonly Thread[] {
    return this.#threadGroup?.threads.values() ?? NO_THREADS
  }

  /** Whether {@link Process.groupExit} was called. */
  get isGroupExited(): boolean {
    return this.#threadGroup?.groupExited ?? false
  }

  /** The code of the thread that exited last, or last before the group exit. 0 until there is one. */
  get exitCode(): number {
    return this.#threadGroup?.exitCode ?? 0
  }

  /**
   * Begins a thread: `newThread(tid).data(x).build()`.
   *
   * @param tid - a positive safe integer that no thread of this process has.
   * @throws {HierarchyError} `ERR_HIERARCHY_BAD_TID`, `ERR_HIERARCHY_TID_EXISTS`.
   */
  newThread(tid: number): ThreadBuilder {
    const check = (): ThreadGroup => {
      this.#standing.running('start a thread')
      const group = (this.#threadGroup ??= new ThreadGroup())
      group.requireFree(tid)
      return group
    }
    check()
    return new ThreadBuilder(`thread ${tid} of process ${this.#pid}`, (data) => new Thread(tid, this, check(), data))
  }

  /**
   * Marks the process as leaving with all of its threads: from the first call on, no thread's exit changes `exitCode`.
   * The threads themselves stay until they exit. It never throws: for a zombie it sets the mark and means nothing more.
   */
  groupExit(): void {
    this.#threadGroup ??= new ThreadGroup()
    this.#threadGroup.groupExited = true
  }

  // Exit

  /** Whether the process has exited. It stays so when it is freed. */
  get isZombie(): boolean {
    return this.#standing.isZombie
  }

  /**
   * Ends the process with whatever threads it still has. It becomes a zombie that stays with its parent, in its group and
   * its session; its children, zombies included, go to the nearest living subreaper above, else to init.
   *
   * @throws {HierarchyError} `ERR_HIERARCHY_INIT_EXIT` for init.
   */
  exit(): void {
    if (this.isInit) {
      throw new HierarchyError(
        'ERR_HIERARCHY_INIT_EXIT',
        `init (pid ${this.#pid}) cannot exit: everything else descends from it; to end it all, drop the Hierarchy`,
      )
    }
    const registry = this.#standing.running('exit')
    if (this.#kin.childCount > 0) this.#kin.handOverChildren(kinOf(this.#kin.reaper(registry)))
    this.#standing.isZombie = true
    this.#threadGroup?.threads.clear()
  }

  /**
   * Frees a zombie, as its parent's `wait` does in a kernel: it leaves its parent, its group and the hierarchy, and a group
   * or session it was the last member of goes with it. From then on its pid may be used again, unless a group or session
   * of that number lives on.
   *
   * @throws {HierarchyError} `ERR_HIERARCHY_NOT_ZOMBIE` when it runs, as init always does.
   */
  free(): void {
    if (!this.isZombie) {
      throw new HierarchyError(
        'ERR_HIERARCHY_NOT_ZOMBIE',
        `process ${this.#pid} is running and only a zombie can be freed: exit() it first (init never can)`,
      )
    }
    const registry = this.#standing.present('be freed again')
    this.#kin.leave(this.#pid)
    this.#membership.end(registry)
    registry.processes.delete(this.#pid)
    this.#standing.isFreed = true
  }

  /** @internal Ids only, never the graph. */
  [util.inspect.custom](_depth: number, options: InspectOptions): string {
    const { pid, parent, group, threads, isSubreaper, isZombie, exitCode } = this
    return `Process ${util.inspect(
      {
        pid,
        parent: parent?.pid ?? null,
        children: this.#kin.childCount,
        group: group.pgid,
        session: group.session.sid,
        ...(threads.length > 0 && { threads: threads.length }),
        ...(isSubreaper && { isSubreaper }),
        ...(isZombie && { isZombie, exitCode, isFreed: this.#standing.isFreed }),
      },
      options,
    )}`
  }
}
