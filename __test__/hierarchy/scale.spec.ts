import test from 'ava'
import { Hierarchy, type Process } from '../../src/hierarchy/index.ts'
import { hierarchyFromTable, type ProcessRow } from '../../src/hierarchy/process-table.ts'
import { child, deep } from './family.ts'

// Each of these takes well below a second on a small machine. The deadline is no benchmark: it is there to tell n from n²,
// which at these sizes is minutes.
const DEADLINE = 20_000

const WIDE = 100_000
const DEEP = 50_000

const inTime = test.macro({
  title: (_, what: string) => what,
  exec: (t, _what: string, live: () => Hierarchy) => {
    const start = performance.now()
    const hierarchy = live()
    const elapsed = performance.now() - start
    t.is(hierarchy.size, 1)
    t.is(hierarchy.init.children.length, 0)
    t.is(hierarchy.init.group.processes.length, 1)
    t.true(elapsed < DEADLINE, `took ${Math.round(elapsed)} ms`)
  },
})

const freeAll = (processes: readonly Process[]) => {
  for (const process of processes) process.free()
}

test.serial(inTime, '100,000 children of init live and go', () => {
  const hierarchy = new Hierarchy()
  const processes = Array.from({ length: WIDE }, (_, index) => child(hierarchy.init, index + 2))
  for (const process of processes) process.exit()
  freeAll(hierarchy.init.children)
  return hierarchy
})

test.serial(inTime, '100,000 children born in the reverse order of their pids live and go', () => {
  const hierarchy = new Hierarchy()
  const processes = Array.from({ length: WIDE }, (_, index) => child(hierarchy.init, WIDE + 1 - index))
  if (hierarchy.init.children[0] !== processes.at(-1)) throw new Error('expected the order of the pids')
  for (const process of processes) process.exit()
  freeAll(processes)
  return hierarchy
})

test.serial(inTime, 'each exit and free of 100,000 in turn is cheap, too', () => {
  const hierarchy = new Hierarchy()
  const processes = Array.from({ length: WIDE }, (_, index) => child(hierarchy.init, index + 2))
  for (const process of processes) {
    process.exit()
    process.free()
  }
  return hierarchy
})

for (const [how, prepare] of Object.entries({
  'without a subreaper': () => {},
  'with a subreaper at the top': (processes: readonly Process[]) => {
    for (const process of processes.slice(0, 1)) process.isSubreaper = true
  },
  'of subreapers': (processes: readonly Process[]) => {
    for (const process of processes) process.isSubreaper = true
  },
})) {
  test.serial(inTime, `a chain of 50,000 ${how} goes from the top`, () => {
    const { hierarchy, processes } = deep(DEEP)
    prepare(processes)
    for (const process of processes) process.exit()
    freeAll(processes)
    return hierarchy
  })

  test.serial(inTime, `a chain of 50,000 ${how} goes from the bottom`, () => {
    const { hierarchy, processes } = deep(DEEP)
    prepare(processes)
    for (const process of processes.toReversed()) process.exit()
    freeAll(processes)
    return hierarchy
  })

  test.serial(inTime, `a chain of 50,000 ${how} goes in no order`, () => {
    const { hierarchy, processes } = deep(DEEP)
    prepare(processes)
    // 7 shares no factor with 50,000, so every process has its turn.
    for (let turn = 0; turn < DEEP; turn += 1) processes[(turn * 7) % DEEP]?.exit()
    freeAll(processes)
    return hierarchy
  })
}

test.serial(inTime, '100,000 orphans are handed up through 1,000 subreapers', () => {
  const { hierarchy, processes } = deep(1_000)
  for (const process of processes) process.isSubreaper = true
  const parent = processes.at(-1)
  if (parent === undefined) throw new Error('a chain of 1,000 has a last one')
  const orphans = Array.from({ length: WIDE }, (_, index) => child(parent, index + 2_000))
  for (const process of processes.toReversed()) process.exit()
  if (orphans[0]?.parent !== hierarchy.init) throw new Error('expected init to have adopted them')
  for (const orphan of orphans) orphan.exit()
  freeAll([...orphans, ...processes])
  return hierarchy
})

test.serial(inTime, '50,000 groups and 25,000 sessions come and go', () => {
  const { hierarchy, processes } = deep(DEEP)
  for (const [index, process] of processes.entries()) {
    if (index % 2 === 0) process.createSession()
    else process.createGroup()
  }
  for (const process of processes) process.exit()
  freeAll(processes)
  return hierarchy
})

test.serial(inTime, '100,000 threads of one process come and go', () => {
  const hierarchy = new Hierarchy()
  const threads = Array.from({ length: WIDE }, (_, index) => hierarchy.init.newThread(index + 1).build())
  const last = threads.filter((thread) => thread.exit(0))
  if (last.length !== 1) throw new Error('expected one last thread')
  return hierarchy
})

for (const [shape, parentOf] of Object.entries({
  'a chain': (pid: number) => pid - 1,
  'a chain upside down': (pid: number) => (pid === WIDE ? 1 : pid + 1),
  'one cycle': (pid: number) => (pid === WIDE ? 2 : pid + 1),
  'a tree': (pid: number) => Math.floor(pid / 2),
  orphans: () => WIDE * 2,
})) {
  test.serial(inTime, `a table of 100,000 rows that are ${shape} becomes a hierarchy`, () => {
    const rows = Array.from({ length: WIDE }, (_, index): ProcessRow => {
      const pid = WIDE - index
      return { pid, ppid: parentOf(pid), pgid: Math.ceil(pid / 10), sid: 1, zombie: pid % 3 === 0, data: index }
    })
    const hierarchy = hierarchyFromTable(rows, 1)
    for (const process of hierarchy) {
      if (process.isInit) continue
      if (!process.isZombie) process.exit()
      process.free()
    }
    return hierarchy
  })
}
