import test from 'ava'
import { Hierarchy } from '../../src/hierarchy/index.ts'
import { chain, child, pids } from './family.ts'

test('a process that exits is a zombie and stays with its parent', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  t.false(forked.isZombie)
  forked.exit()
  t.true(forked.isZombie)
  t.is(forked.parent, init)
  t.deepEqual(pids(init.children), [2])
})

test('a zombie stays in its group and in the hierarchy', (t) => {
  const hierarchy = new Hierarchy()
  child(hierarchy.init, 2).exit()
  t.deepEqual(pids(hierarchy.init.group.processes), [1, 2])
  t.is(hierarchy.size, 2)
})

test('the children of a process that exits go to init', (t) => {
  const hierarchy = new Hierarchy()
  const [, middle, last] = chain(hierarchy, 2, 3, 4)
  middle?.exit()
  t.is(last?.parent, hierarchy.init)
  t.deepEqual(pids(hierarchy.init.children), [2, 4])
  t.deepEqual(pids(middle?.children ?? []), [])
})

test('zombie children are handed on, too', (t) => {
  const hierarchy = new Hierarchy()
  const [, middle, last] = chain(hierarchy, 2, 3, 4)
  last?.exit()
  middle?.exit()
  t.is(last?.parent, hierarchy.init)
  last?.free()
  t.deepEqual(pids(hierarchy.init.children), [2])
})

test('adopted children come in the order of their pids, too', (t) => {
  const hierarchy = new Hierarchy()
  const parent = child(hierarchy.init, 50)
  for (const pid of [40, 60, 45, 2]) child(parent, pid)
  child(hierarchy.init, 42)
  parent.exit()
  t.deepEqual(pids(hierarchy.init.children), [2, 40, 42, 45, 50, 60])
})

test('a family larger than the heir’s own arrives whole, and both know whose is whose', (t) => {
  const hierarchy = new Hierarchy()
  const [heir, between, parent] = chain(hierarchy, 2, 3, 4)
  if (!heir || !between || !parent) return t.fail()
  heir.isSubreaper = true
  const children = [10, 11, 12, 13].map((pid) => child(parent, pid))
  parent.exit()
  t.deepEqual(pids(heir.children), [3, 10, 11, 12, 13])
  for (const one of children) t.is(one.parent, heir)
  t.is(between.parent, heir)
  t.is(parent.parent, between)
  t.deepEqual(pids(between.children), [4])
  t.is(child(heir, 14).parent, heir)
})

test('a freed process is gone from its parent, its group, its session and the hierarchy', (t) => {
  const hierarchy = new Hierarchy()
  const { init } = hierarchy
  const forked = child(init, 2)
  forked.exit()
  forked.free()
  t.is(forked.parent, null)
  t.deepEqual(pids(init.children), [])
  t.deepEqual(pids(init.group.processes), [1])
  t.is(hierarchy.size, 1)
  t.is(hierarchy.get(2), undefined)
  t.true(forked.isZombie)
})

test('the pid of a freed process may be used again', (t) => {
  const hierarchy = new Hierarchy()
  const first = child(hierarchy.init, 2)
  first.exit()
  first.free()
  const second = child(hierarchy.init, 2)
  t.not(second, first)
  t.is(hierarchy.get(2), second)
  t.false(second.isZombie)
})

test('the exit of a process ends its threads', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const thread = forked.newThread(2).build()
  forked.newThread(3).build().exit(5)
  forked.exit()
  t.deepEqual(forked.threads, [])
  t.is(forked.exitCode, 5)
  t.throws(() => thread.exit(1), { code: 'ERR_HIERARCHY_THREAD_EXITED' })
  t.is(forked.exitCode, 5)
})
