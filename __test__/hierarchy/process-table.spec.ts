import test from 'ava'
import * as fc from 'fast-check'
import { HierarchyError } from '../../src/hierarchy/index.ts'
import { hierarchyFromTable, type ProcessRow } from '../../src/hierarchy/process-table.ts'
import { child, pids, portrait } from './family.ts'

const row = (pid: number, ppid: number, rest: Partial<ProcessRow> = {}): ProcessRow => ({
  pid,
  ppid,
  pgid: 1,
  sid: 1,
  zombie: false,
  data: undefined,
  ...rest,
})

test('rows in any order become the family they describe', (t) => {
  const hierarchy = hierarchyFromTable([row(4, 2), row(3, 1), row(2, 1), row(1, 0), row(5, 4)], 1)
  t.deepEqual(pids(hierarchy), [1, 2, 3, 4, 5])
  t.deepEqual(pids(hierarchy.init.children), [2, 3])
  t.deepEqual(pids(hierarchy.get(2)?.children ?? []), [4])
  t.is(hierarchy.get(5)?.parent?.pid, 4)
  t.is(hierarchy.init.parent, null)
})

test('every process carries the data of its row, init as well', (t) => {
  const hierarchy = hierarchyFromTable([row(7, 3, { data: 'init' }), row(8, 7, { data: 'child' })], 7)
  t.is(hierarchy.init.data, 'init')
  t.is(hierarchy.get(8)?.data, 'child')
})

test('a parent may have a higher pid than its child', (t) => {
  const hierarchy = hierarchyFromTable([row(30, 1), row(2, 30), row(20, 1), row(1, 0)], 1)
  t.is(hierarchy.get(2)?.parent?.pid, 30)
})

test('a row whose parent is missing goes under init', (t) => {
  const hierarchy = hierarchyFromTable([row(1, 0), row(5, 4), row(6, 5)], 1)
  t.is(hierarchy.get(5)?.parent, hierarchy.init)
  t.is(hierarchy.get(6)?.parent?.pid, 5)
})

test('init without a row leads a group and a session of its own', (t) => {
  const hierarchy = hierarchyFromTable([row(5, 1, { pgid: 1, sid: 9 })], 1)
  t.is(hierarchy.init.data, undefined)
  t.is(hierarchy.init.group.pgid, 1)
  t.is(hierarchy.init.group.session.sid, 1)
  t.is(hierarchy.get(5)?.group, hierarchy.init.group)
})

test('an empty table is init alone', (t) => {
  t.deepEqual(pids(hierarchyFromTable([], 3)), [3])
})

test('of rows that are each other’s ancestors the lowest goes under init', (t) => {
  const cycle = [row(1, 0), row(4, 6), row(6, 5), row(5, 4), row(7, 6)]
  for (const rows of [cycle, cycle.toReversed()]) {
    const hierarchy = hierarchyFromTable(rows, 1)
    t.is(hierarchy.get(4)?.parent, hierarchy.init)
    t.is(hierarchy.get(5)?.parent?.pid, 4)
    t.is(hierarchy.get(6)?.parent?.pid, 5)
    t.is(hierarchy.get(7)?.parent?.pid, 6)
  }
})

test('a row that is its own parent goes under init', (t) => {
  const hierarchy = hierarchyFromTable([row(1, 1), row(2, 2), row(3, 2)], 1)
  t.is(hierarchy.get(2)?.parent, hierarchy.init)
  t.is(hierarchy.init.parent, null)
})

test('a cycle through init is none', (t) => {
  const hierarchy = hierarchyFromTable([row(1, 3), row(2, 1), row(3, 2)], 1)
  t.is(hierarchy.get(2)?.parent, hierarchy.init)
  t.is(hierarchy.get(3)?.parent?.pid, 2)
})

test('a zombie is one, and its children go to init', (t) => {
  const hierarchy = hierarchyFromTable([row(1, 0), row(2, 1), row(3, 2, { zombie: true }), row(4, 3)], 1)
  t.true(hierarchy.get(3)?.isZombie)
  t.is(hierarchy.get(3)?.parent?.pid, 2)
  t.is(hierarchy.get(4)?.parent, hierarchy.init)
  hierarchy.get(3)?.free()
  t.is(hierarchy.size, 3)
})

test('init is no zombie, whatever its row says', (t) => {
  t.false(hierarchyFromTable([row(1, 0, { zombie: true })], 1).init.isZombie)
})

test('groups and sessions are those of the rows', (t) => {
  const rows = [
    row(1, 0),
    row(2, 1, { pgid: 2, sid: 2 }),
    row(3, 2, { pgid: 2, sid: 2 }),
    row(4, 2, { pgid: 4, sid: 2 }),
  ]
  const hierarchy = hierarchyFromTable(rows, 1)
  const session = hierarchy.get(2)?.group.session
  t.is(session?.sid, 2)
  t.deepEqual(
    session?.processGroups.map((group) => [group.pgid, pids(group.processes)]),
    [
      [2, [2, 3]],
      [4, [4]],
    ],
  )
})

test('groups and sessions whose leaders are gone are there, and their numbers are taken', (t) => {
  const hierarchy = hierarchyFromTable([row(1, 0), row(5, 1, { pgid: 3, sid: 2 })], 1)
  t.is(hierarchy.get(5)?.group.pgid, 3)
  t.is(hierarchy.get(5)?.group.session.sid, 2)
  for (const pid of [2, 3]) t.throws(() => hierarchy.init.fork(pid), { code: 'ERR_HIERARCHY_PID_EXISTS' })
})

for (const [pgid, sid] of [
  [5, 5],
  [5, 2],
  [3, 5],
  [3, 2],
  [3, 3],
  [0, 0],
] as const) {
  test(`init may be in group ${pgid} of session ${sid} with others`, (t) => {
    const rows = [row(4, 5, { pgid, sid }), row(5, 2, { pgid, sid }), row(6, 5, { pgid: 6, sid })]
    const hierarchy = hierarchyFromTable(rows, 5)
    const { group } = hierarchy.init
    t.is(group.pgid, pgid)
    t.is(group.session.sid, sid)
    t.deepEqual(pids(group.processes), [4, 5])
    t.is(hierarchy.get(4)?.group, group)
    t.is(hierarchy.get(6)?.group.session, group.session)
    t.deepEqual(
      group.session.processGroups.map((one) => one.pgid),
      [pgid, 6],
    )
  })
}

test('where the rows of a group disagree about the session, the leader’s counts', (t) => {
  const rows = [
    row(1, 0),
    row(2, 1, { pgid: 3, sid: 2 }),
    row(3, 1, { pgid: 3, sid: 3 }),
    row(4, 1, { pgid: 3, sid: 4 }),
  ]
  const hierarchy = hierarchyFromTable(rows, 1)
  const group = hierarchy.get(3)?.group
  t.is(group?.session.sid, 3)
  t.deepEqual(pids(group?.processes ?? []), [2, 3, 4])
})

test('what comes out can be lived with: it forks, exits and frees', (t) => {
  const hierarchy = hierarchyFromTable([row(1, 0), row(2, 1), row(3, 2)], 1)
  const parent = hierarchy.get(2)
  if (parent === undefined) return t.fail()
  const newborn = child(parent, 4)
  parent.exit()
  parent.free()
  t.is(newborn.parent, hierarchy.init)
  t.deepEqual(pids(hierarchy.init.children), [3, 4])
})

test('a pid twice is refused', (t) => {
  t.throws(() => hierarchyFromTable([row(2, 1), row(2, 3)], 1), {
    instanceOf: HierarchyError,
    code: 'ERR_HIERARCHY_PID_EXISTS',
  })
})

for (const pid of [0, -1, 1.5, Number.NaN]) {
  test(`a row with the pid ${pid} is refused`, (t) => {
    t.throws(() => hierarchyFromTable([row(1, 0), row(pid, 1)], 1), { code: 'ERR_HIERARCHY_BAD_PID' })
    t.throws(() => hierarchyFromTable([], pid), { code: 'ERR_HIERARCHY_BAD_PID' })
  })
}

test('any table becomes a hierarchy, the same in any order of its rows', (t) => {
  const number = fc.integer({ min: 0, max: 12 })
  const rows = fc.uniqueArray(
    fc.record({
      pid: fc.integer({ min: 1, max: 12 }),
      ppid: number,
      pgid: number,
      sid: number,
      zombie: fc.boolean(),
      data: fc.constant(null),
    }),
    { selector: ({ pid }) => pid },
  )
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 12 }), (table, initPid) => {
      const hierarchy = hierarchyFromTable(table, initPid)
      t.deepEqual(portrait(hierarchyFromTable(table.toReversed(), initPid)), portrait(hierarchy))
      t.is(hierarchy.size, new Set([...table.map(({ pid }) => pid), initPid]).size)
      for (const { pid, ppid, pgid, zombie } of table) {
        const process = hierarchy.get(pid)
        if (process === undefined) return t.fail()
        t.is(process.group.pgid, pgid)
        t.is(process.isZombie, zombie && pid !== initPid)
        let [ancestor, steps] = [process, 0]
        while (ancestor.parent !== null && (steps += 1) <= 12) ancestor = ancestor.parent
        t.is(ancestor, hierarchy.init)
        const parent = process.parent
        if (parent !== null && parent !== hierarchy.init) t.is(parent.pid, ppid)
      }
    }),
    { numRuns: 300 },
  )
})
