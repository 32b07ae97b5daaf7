import test from 'ava'
import { Hierarchy } from '../../src/hierarchy/index.ts'
import { chain, child, pids } from './family.ts'

test('a hierarchy begins with init alone', (t) => {
  const hierarchy = new Hierarchy()
  t.is(hierarchy.init.pid, 1)
  t.is(hierarchy.size, 1)
  t.deepEqual(pids(hierarchy), [1])
  t.true(hierarchy.init.isInit)
})

test('init may have any pid, and data', (t) => {
  const { init } = new Hierarchy(4711, 'data')
  t.is(init.pid, 4711)
  t.is(init.data, 'data')
})

test('init has no parent', (t) => {
  t.is(new Hierarchy().init.parent, null)
})

test('a child knows its parent and the parent its child', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  t.is(forked.parent, init)
  t.is(init.children.length, 1)
  t.is(init.children[0], forked)
  t.false(forked.isInit)
})

test('a process carries the data its builder was given', (t) => {
  const { init } = new Hierarchy()
  const data = { name: 'sh' }
  t.is(init.fork(2).data('first').data(data).build().data, data)
  t.is(child(init, 3).data, undefined)
})

test('nothing is born before build()', (t) => {
  const hierarchy = new Hierarchy()
  hierarchy.init.fork(2)
  t.is(hierarchy.size, 1)
})

test('a process is found by its pid until it is freed', (t) => {
  const hierarchy = new Hierarchy()
  const forked = child(hierarchy.init, 2)
  t.is(hierarchy.get(2), forked)
  forked.exit()
  t.is(hierarchy.get(2), forked)
  forked.free()
  t.is(hierarchy.get(2), undefined)
})

test('children are listed in the order of their pids, whatever the order of their births', (t) => {
  const { init } = new Hierarchy()
  for (const pid of [7, 3, 9, 4]) child(init, pid)
  t.deepEqual(pids(init.children), [3, 4, 7, 9])
  child(init, 5)
  t.deepEqual(pids(init.children), [3, 4, 5, 7, 9])
})

test('iteration goes through all processes in the order of their pids', (t) => {
  const hierarchy = new Hierarchy(5)
  chain(hierarchy, 9, 2, 7, 1)
  t.deepEqual(pids(hierarchy), [1, 2, 5, 7, 9])
})

test('iteration leaves out whoever is freed meanwhile and does not visit the newborn', (t) => {
  const hierarchy = new Hierarchy()
  const [, , third] = [2, 3, 4].map((pid) => child(hierarchy.init, pid))
  const visited: number[] = []
  for (const { pid } of hierarchy) {
    visited.push(pid)
    if (pid !== 2) continue
    third?.exit()
    third?.free()
    child(hierarchy.init, 10)
  }
  t.deepEqual(visited, [1, 2, 3])
})

test('a list that was read does not change any more', (t) => {
  const { init } = new Hierarchy()
  child(init, 2)
  const before = init.children
  child(init, 3)
  t.deepEqual(pids(before), [2])
  t.true(Object.isFrozen(before))
})

test('hierarchies do not know of each other', (t) => {
  const [one, other] = [new Hierarchy(), new Hierarchy()]
  child(one.init, 2)
  child(other.init, 2).exit()
  t.false(one.get(2)?.isZombie)
  t.true(other.get(2)?.isZombie)
  t.not(one.init.group.session, other.init.group.session)
})
