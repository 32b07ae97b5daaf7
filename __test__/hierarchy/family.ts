import { inspect } from 'node:util'
import type { ExecutionContext } from 'ava'
import { Hierarchy, HierarchyError, type HierarchyErrorCode, type Process } from '../../src/hierarchy/index.ts'

/** Forks a child and builds it at once. */
export const child = (parent: Process, pid: number): Process => parent.fork(pid).build()

/** A chain from init downwards, one process per pid; init is not in it. */
export const chain = (hierarchy: Hierarchy, ...pids: number[]): Process[] => {
  let parent = hierarchy.init
  return pids.map((pid) => (parent = child(parent, pid)))
}

/** Init and processes 2, 3, … each the child of the one before. */
export const deep = (count: number): { hierarchy: Hierarchy; processes: Process[] } => {
  const hierarchy = new Hierarchy()
  const processes = chain(hierarchy, ...Array.from({ length: count }, (_, index) => index + 2))
  return { hierarchy, processes }
}

export const pids = (processes: Iterable<Process>): number[] => Array.from(processes, ({ pid }) => pid)

/** Everything that can be seen of a hierarchy, as plain data: what must be equal before and after a call that failed. */
export const portrait = (hierarchy: Hierarchy) => {
  const groups = new Set([...hierarchy].map((process) => process.group))
  const sessions = new Set([...groups].map((group) => group.session))
  return {
    size: hierarchy.size,
    processes: [...hierarchy].map((process) => ({
      pid: process.pid,
      parent: process.parent?.pid ?? null,
      children: pids(process.children),
      isZombie: process.isZombie,
      isSubreaper: process.isSubreaper,
      group: process.group.pgid,
      session: process.group.session.sid,
      threads: process.threads.map(({ tid }) => tid),
      exitCode: process.exitCode,
      isGroupExited: process.isGroupExited,
    })),
    groups: [...groups].map((group) => [group.pgid, group.session.sid, pids(group.processes)]),
    sessions: [...sessions].map((session) => [session.sid, session.processGroups.map(({ pgid }) => pgid)]),
  }
}

/** Asserts that a call throws a HierarchyError with this code, and that the hierarchy is as it was. */
export const refuses = (t: ExecutionContext, hierarchy: Hierarchy, code: HierarchyErrorCode, call: () => unknown) => {
  const before = portrait(hierarchy)
  const error = t.throws(call, { instanceOf: HierarchyError })
  t.is(error?.code, code, inspect(error))
  t.deepEqual(portrait(hierarchy), before)
  return error
}
