import { HierarchyError } from './error.ts'
import { Hierarchy, registryOf } from './hierarchy.ts'
import { ProcessGroup } from './process-group.ts'
import { createProcess, kinOf, membershipOf } from './process.ts'
import { requirePid, type Registry } from './registry.ts'
import { Session } from './session.ts'

/** One process as a kernel's process table has it. */
export interface ProcessRow {
  readonly pid: number
  readonly ppid: number
  /** 0 is what a kernel says of its own threads, and of a group led from outside the pid namespace. */
  readonly pgid: number
  /** As with `pgid`. */
  readonly sid: number
  /** Dead and not waited for. A process whose first thread alone has ended is none, though Linux shows its state as Z. */
  readonly zombie: boolean
  /** Becomes the process' `data`. */
  readonly data: unknown
}

/**
 * Builds a hierarchy out of a process table, in O(n log n).
 *
 * A table that is read while processes come and go need not be consistent, so what does not fit is mended, and in the same
 * way whatever the order of the rows:
 * - a row whose parent is missing goes under init;
 * - where rows are each other's ancestors, the one with the lowest pid goes under init;
 * - a zombie with children hands them to init;
 * - where the rows of a group disagree about its session, its leader's row counts, else that with the lowest pid;
 * - init without a row leads a group and a session of its own and has no data. A zombie flag of init is disregarded.
 *
 * @throws {HierarchyError} `ERR_HIERARCHY_BAD_PID`; `ERR_HIERARCHY_PID_EXISTS` when two rows have the same pid.
 */
export const hierarchyFromTable = (table: Iterable<ProcessRow>, initPid: number): Hierarchy => {
  const rows = sortedByPid(table, initPid)
  const initIndex = rows.findIndex((row) => row.pid === initPid)
  const hierarchy = new Hierarchy(initPid, rows[initIndex]?.data)
  const registry = registryOf(hierarchy)
  const { init } = hierarchy
  const sids = sessionsOfGroups(rows)

  const { pgid } = rows[initIndex] ?? { pgid: initPid }
  if (pgid !== initPid || sids.get(pgid) !== initPid)
    membershipOf(init).change(registry, foundGroup(registry, pgid, sids))

  // By pid, so that every list by pid is in order from the start.
  const processes = rows.map((row, index) => {
    if (index === initIndex) return init
    const group = registry.groups.get(row.pgid) ?? foundGroup(registry, row.pgid, sids)
    return createProcess(registry, row.pid, group, row.data)
  })
  const parents = parentIndexes(rows, initIndex)
  processes.forEach((process, index) => {
    if (process !== init) kinOf(processes[parents[index] ?? initIndex] ?? init).adopt(process)
  })
  processes.forEach((process, index) => {
    if (process !== init && rows[index]?.zombie === true) process.exit()
  })
  return hierarchy
}

/** The rows by pid, each pid once, with a row for init. */
const sortedByPid = (table: Iterable<ProcessRow>, initPid: number): ProcessRow[] => {
  const rows = [...table]
  if (!rows.some((row) => row.pid === initPid)) {
    rows.push({ pid: initPid, ppid: 0, pgid: initPid, sid: initPid, zombie: false, data: undefined })
  }
  rows.sort((a, b) => a.pid - b.pid)
  let previous = 0
  for (const { pid } of rows) {
    requirePid(pid)
    if (pid === previous) {
      throw new HierarchyError('ERR_HIERARCHY_PID_EXISTS', `two rows of the table have the pid ${pid}: leave one out`)
    }
    previous = pid
  }
  return rows
}

/** The session of each group, by number: a group is in one session only, whatever its rows say. */
const sessionsOfGroups = (rows: readonly ProcessRow[]): Map<number, number> => {
  const sids = new Map<number, number>()
  for (const { pid, pgid, sid } of rows) {
    if (pid === pgid || !sids.has(pgid)) sids.set(pgid, sid)
  }
  return sids
}

const foundGroup = (registry: Registry, pgid: number, sids: ReadonlyMap<number, number>): ProcessGroup => {
  const sid = sids.get(pgid) ?? pgid
  return new ProcessGroup(registry, pgid, registry.sessions.get(sid) ?? new Session(sid))
}

/**
 * The index of each row's parent, such that everybody descends from init. Everybody's ancestors are walked only until
 * somebody is met who was walked before, so this is O(n).
 */
const parentIndexes = (rows: readonly ProcessRow[], initIndex: number): Int32Array => {
  const indexes = new Map<number, number>()
  rows.forEach(({ pid }, index) => indexes.set(pid, index))
  const parents = Int32Array.from(rows, (row) => indexes.get(row.ppid) ?? initIndex)
  /** The number of the walk on which a row was met, from 1; 0 means not yet. */
  const walks = new Int32Array(rows.length)
  for (let start = 0; start < rows.length; start += 1) {
    const walk = start + 1
    let at = start
    while (at !== initIndex && walks[at] === 0) {
      walks[at] = walk
      at = parents[at] ?? initIndex
    }
    // Somebody met twice on one walk is their own ancestor.
    if (at !== initIndex && walks[at] === walk) parents[lowestInCycle(parents, at)] = initIndex
  }
  return parents
}

const lowestInCycle = (parents: Int32Array, start: number): number => {
  let lowest = start
  for (let at = parents[start]; at !== undefined && at !== start; at = parents[at]) lowest = Math.min(lowest, at)
  return lowest
}
