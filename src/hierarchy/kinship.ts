import { PidMap } from './pid-map.ts'
import { kinOf, type Process } from './process.ts'
import type { Registry } from './registry.ts'

/** Names the parent to all of its children at once, weakly: a held child does not keep its parent in memory. */
interface ParentLink {
  parent: WeakRef<Process>
}

/**
 * The family side of one process: who is above, who is below, and who takes the children in.
 *
 * Two families must not cost us their square. A chain of subreapers that exit one after the other hands the same children
 * on at every step: see {@link Kinship.handOverChildren}. And a chain of any depth whose members all look for the
 * subreaper above them walks the same steps again and again: see {@link Kinship.reaper}.
 */
export class Kinship {
  /** The one weak reference to the process: links and memberships share it. */
  readonly self: WeakRef<Process>
  isSubreaper = false
  /** The link held by this process' siblings, too; `null` for init and for whoever was freed. */
  #above: ParentLink | null = null
  /** The link held by all children. None before there is one: most processes of a large family never have any. */
  #below: ParentLink | null = null
  #children: PidMap<Process> | null = null
  /** The answer of the last search by {@link Kinship.reaper}, good while the generation is the registry's. */
  #knownReaper: WeakRef<Process> | null = null
  #knownGeneration = -1

  constructor(process: Process) {
    this.self = new WeakRef(process)
  }

  get parent(): Process | null {
    return this.#above?.parent.deref() ?? null
  }

  get children(): readonly Process[] {
    return this.#children?.values() ?? NOBODY
  }

  get childCount(): number {
    return this.#children?.size ?? 0
  }

  /** Takes a process in as a child. Whoever had it before has to let it go. */
  adopt(child: Process): void {
    kinOf(child).#above = this.#below ??= { parent: this.self }
    this.#children ??= new PidMap()
    this.#children.set(child.pid, child)
  }

  /**
   * Gives all children to another process, above this one, for good: a process that exits adopts nobody any more.
   *
   * The smaller family moves into the larger. If ours is the larger one, the heir takes it over as a whole, which is one
   * write to the link whatever the number of children, and it is the heir's former children that move. Each move lands a
   * child in a family at least twice the size of the one it left, so a child moves O(log n) times in its life.
   */
  handOverChildren(heir: Kinship): void {
    if (this.#below !== null && this.childCount > heir.childCount) {
      ;[this.#children, heir.#children] = [heir.#children, this.#children]
      heir.#below = this.#below
      heir.#below.parent = heir.self
    }
    this.#children?.forEach((child) => heir.adopt(child))
    this.#children = null
  }

  /** Leaves the parent. */
  leave(pid: number): void {
    const parent = this.parent
    if (parent !== null) kinOf(parent).#children?.delete(pid)
    this.#above = null
  }

  /**
   * Finds who adopts the children of this process: the nearest living subreaper above, else init.
   *
   * Everybody on the way remembers the answer, so the next search from anywhere below is short. What is remembered stays
   * true, because an exit moves children to that very answer, with two exceptions. A remembered subreaper that has since
   * resigned or exited is not the answer, but its own is: we go on from there. A process that becomes a subreaper while it
   * has children comes between them and what they remember: then the registry's generation moves on, and all is forgotten.
   * So n exits cost O(n) steps in sum, plus O(depth) for each such latecomer.
   */
  reaper(registry: Registry): Process {
    const asked: Kinship[] = [this]
    let above = this.#upwards(registry)
    while (!adopts(above)) {
      const kin = kinOf(above)
      asked.push(kin)
      above = kin.#upwards(registry)
    }
    for (const kin of asked) {
      kin.#knownReaper = kinOf(above).self
      kin.#knownGeneration = registry.generation
    }
    return above
  }

  /** The next one to look at: the reaper remembered if it still counts, else the parent. */
  #upwards(registry: Registry): Process {
    const known = this.#knownGeneration === registry.generation ? this.#knownReaper?.deref() : undefined
    return known ?? this.parent ?? registry.init
  }
}

const NOBODY: readonly Process[] = Object.freeze([])

const adopts = (process: Process): boolean => process.isInit || (process.isSubreaper && !process.isZombie)
