import type { HierarchyErrorCode } from '../../src/hierarchy/index.ts'

/** What a call came to: an answer, or the code of the error it threw. */
export type Outcome = 'done' | 'true' | 'false' | 'null' | HierarchyErrorCode

interface NaiveGroup {
  pgid: number
  session: { sid: number }
}
export interface NaiveProcess {
  pid: number
  parent: NaiveProcess | null
  state: 'running' | 'zombie' | 'freed'
  isSubreaper: boolean
  group: NaiveGroup
  tids: number[]
  exitCode: number
  isGroupExited: boolean
}

const byNumber = (a: number, b: number) => a - b

/**
 * The same model in its plainest form: one list, searched from end to end at every step, and nothing remembered. What it
 * says is what the real one must say.
 */
export class Oracle {
  readonly init: NaiveProcess = Oracle.#newborn(1, null, { pgid: 1, session: { sid: 1 } })
  #present: NaiveProcess[] = [this.init]

  static #newborn(pid: number, parent: NaiveProcess | null, group: NaiveGroup): NaiveProcess {
    return { pid, parent, state: 'running', isSubreaper: false, group, tids: [], exitCode: 0, isGroupExited: false }
  }

  fork(parent: NaiveProcess, pid: number): NaiveProcess | Outcome {
    const refusal = this.#refusal(parent)
    if (refusal !== null) return refusal
    const numbers = this.#present.flatMap((one) => [one.pid, one.group.pgid, one.group.session.sid])
    if (numbers.includes(pid)) return 'ERR_HIERARCHY_PID_EXISTS'
    const child = Oracle.#newborn(pid, parent, parent.group)
    this.#present.push(child)
    return child
  }

  exit(process: NaiveProcess): Outcome {
    if (process === this.init) return 'ERR_HIERARCHY_INIT_EXIT'
    const refusal = this.#refusal(process)
    if (refusal !== null) return refusal
    let heir = process.parent ?? this.init
    while (heir.parent !== null && !(heir.isSubreaper && heir.state === 'running')) heir = heir.parent
    for (const child of this.#present) if (child.parent === process) child.parent = heir
    process.state = 'zombie'
    process.tids = []
    return 'done'
  }

  free(process: NaiveProcess): Outcome {
    if (process.state === 'running') return 'ERR_HIERARCHY_NOT_ZOMBIE'
    if (process.state === 'freed') return 'ERR_HIERARCHY_FREED'
    process.state = 'freed'
    this.#present = this.#present.filter((one) => one !== process)
    return 'done'
  }

  createGroup(process: NaiveProcess): Outcome {
    const refusal = this.#refusal(process)
    if (refusal !== null) return refusal
    if (this.#present.some((one) => one.group.pgid === process.pid)) return 'null'
    process.group = { pgid: process.pid, session: process.group.session }
    return 'done'
  }

  createSession(process: NaiveProcess): Outcome {
    const refusal = this.#refusal(process)
    if (refusal !== null) return refusal
    const { pid } = process
    if (this.#present.some(({ group }) => group.pgid === pid || group.session.sid === pid)) return 'null'
    process.group = { pgid: pid, session: { sid: pid } }
    return 'done'
  }

  moveToGroup(process: NaiveProcess, group: NaiveGroup): Outcome {
    const refusal = this.#refusal(process)
    if (refusal !== null) return refusal
    if (group.session !== process.group.session) return 'false'
    const lives = this.#present.some((one) => one.group === group)
    const isOwn = process.pid === group.pgid && !this.#present.some((one) => one.group.pgid === group.pgid)
    if (!lives && !isOwn) return 'false'
    process.group = group
    return 'true'
  }

  newThread(process: NaiveProcess, tid: number): Outcome {
    const refusal = this.#refusal(process)
    if (refusal !== null) return refusal
    if (process.tids.includes(tid)) return 'ERR_HIERARCHY_TID_EXISTS'
    process.tids.push(tid)
    return 'done'
  }

  exitThread(process: NaiveProcess, tid: number, code: number): Outcome {
    if (!process.isGroupExited) process.exitCode = code
    process.tids = process.tids.filter((one) => one !== tid)
    return process.tids.length === 0 ? 'true' : 'false'
  }

  /** The same as `portrait()` of the real one. */
  portrait() {
    const processes = this.#present.toSorted((a, b) => a.pid - b.pid)
    const groups = [...new Set(processes.map(({ group }) => group))]
    const sessions = [...new Set(groups.map(({ session }) => session))]
    const pidsOf = (test: (one: NaiveProcess) => boolean) => processes.filter(test).map(({ pid }) => pid)
    return {
      size: processes.length,
      processes: processes.map((process) => ({
        pid: process.pid,
        parent: process.parent?.pid ?? null,
        children: pidsOf((one) => one.parent === process),
        isZombie: process.state === 'zombie',
        isSubreaper: process.isSubreaper,
        group: process.group.pgid,
        session: process.group.session.sid,
        threads: process.tids.toSorted(byNumber),
        exitCode: process.exitCode,
        isGroupExited: process.isGroupExited,
      })),
      groups: groups.map((group) => [group.pgid, group.session.sid, pidsOf((one) => one.group === group)]),
      sessions: sessions.map((session) => {
        const pgids = groups.filter((group) => group.session === session).map(({ pgid }) => pgid)
        return [session.sid, pgids.toSorted(byNumber)]
      }),
    }
  }

  #refusal(process: NaiveProcess): HierarchyErrorCode | null {
    if (process.state === 'freed') return 'ERR_HIERARCHY_FREED'
    return process.state === 'zombie' ? 'ERR_HIERARCHY_ZOMBIE' : null
  }
}
