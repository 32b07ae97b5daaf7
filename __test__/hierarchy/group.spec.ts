import test from 'ava'
import { Hierarchy } from '../../src/hierarchy/index.ts'
import { child, pids, refuses } from './family.ts'

const found = <T>(value: T | null): T => {
  if (value === null) throw new Error('expected something to have been created')
  return value
}

test('init leads a group and a session of its own', (t) => {
  const { init } = new Hierarchy(7)
  t.is(init.group.pgid, 7)
  t.is(init.group.session.sid, 7)
  t.deepEqual(pids(init.group.processes), [7])
})

test('a child is born into the group and the session of its parent', (t) => {
  const { init } = new Hierarchy()
  const parent = child(init, 2)
  const group = found(parent.createGroup())
  const forked = child(parent, 3)
  t.is(forked.group, group)
  t.is(forked.group.session, init.group.session)
  t.deepEqual(pids(group.processes), [2, 3])
})

test('a child is born into the group its parent has at build(), not at fork()', (t) => {
  const { init } = new Hierarchy()
  const parent = child(init, 2)
  const builder = parent.fork(3)
  const group = found(parent.createGroup())
  t.is(builder.build().group, group)
})

test('createGroup makes a group of the process’ own number in the same session', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const group = found(forked.createGroup())
  t.is(forked.group, group)
  t.is(group.pgid, 2)
  t.is(group.session, init.group.session)
  t.deepEqual(pids(group.processes), [2])
  t.deepEqual(pids(init.group.processes), [1])
  t.deepEqual(
    group.session.processGroups.map(({ pgid }) => pgid),
    [1, 2],
  )
})

test('createGroup is null for the leader of a group, and nothing changes', (t) => {
  const { init } = new Hierarchy()
  const { group } = init
  t.is(init.createGroup(), null)
  t.is(init.group, group)
})

test('createGroup is null for who left the group it created to others, and moveToGroup leads back', (t) => {
  const { init } = new Hierarchy()
  const leader = child(init, 2)
  const group = found(leader.createGroup())
  const member = child(leader, 3)
  t.true(leader.moveToGroup(init.group))
  t.is(leader.createGroup(), null)
  t.is(leader.group, init.group)
  t.true(leader.moveToGroup(group))
  t.deepEqual(pids(group.processes), [2, 3])
  t.is(member.group, group)
})

test('moveToGroup moves within the session', (t) => {
  const { init } = new Hierarchy()
  const [one, other] = [child(init, 2), child(init, 3)]
  const group = found(one.createGroup())
  t.true(other.moveToGroup(group))
  t.is(other.group, group)
  t.deepEqual(pids(group.processes), [2, 3])
  t.deepEqual(pids(init.group.processes), [1])
})

test('moveToGroup to the group it is in is true and changes nothing', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const group = found(forked.createGroup())
  t.true(forked.moveToGroup(group))
  t.is(forked.group, group)
  t.deepEqual(pids(group.processes), [2])
})

test('moveToGroup to another session is false and changes nothing', (t) => {
  const { init } = new Hierarchy()
  const parent = child(init, 2)
  const forked = child(parent, 3)
  const { group } = found(parent.createSession())
  t.false(forked.moveToGroup(group))
  t.is(forked.group, init.group)
  t.deepEqual(pids(group.processes), [2])
})

test('a group goes with the last member that moves away', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const group = found(forked.createGroup())
  forked.moveToGroup(init.group)
  t.deepEqual(pids(group.processes), [])
  t.deepEqual(
    init.group.session.processGroups.map(({ pgid }) => pgid),
    [1],
  )
})

test('a group goes with the last member that is freed, not with its exit', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const group = found(forked.createGroup())
  forked.exit()
  t.deepEqual(pids(group.processes), [2])
  forked.free()
  t.deepEqual(pids(group.processes), [])
  t.is(init.group.session.processGroups.length, 1)
})

test('a group that is gone can be found again by the process of its number', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const group = found(forked.createGroup())
  t.true(forked.moveToGroup(init.group))
  t.true(forked.moveToGroup(group))
  t.is(forked.group, group)
  t.deepEqual(pids(group.processes), [2])
  t.is(group.session.processGroups.length, 2)
})

test('a group that is gone takes nobody else in', (t) => {
  const { init } = new Hierarchy()
  const [leader, other] = [child(init, 2), child(init, 3)]
  const group = found(leader.createGroup())
  leader.moveToGroup(init.group)
  t.false(other.moveToGroup(group))
  t.is(other.group, init.group)
  t.is(init.group.session.processGroups.length, 1)
})

test('a group that is gone is not found again beside a later one of its number', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const first = found(forked.createGroup())
  forked.moveToGroup(init.group)
  const second = found(forked.createGroup())
  t.not(second, first)
  t.false(forked.moveToGroup(first))
  t.is(forked.group, second)
})

test('the members of a group are listed in the order of their pids', (t) => {
  const { init } = new Hierarchy()
  for (const pid of [9, 3, 6]) child(init, pid)
  t.deepEqual(pids(init.group.processes), [1, 3, 6, 9])
})

test('a pid is not used again while a group of that number has members', (t) => {
  const hierarchy = new Hierarchy()
  const { init } = hierarchy
  const leader = child(init, 2)
  leader.createGroup()
  const member = child(leader, 3)
  leader.exit()
  leader.free()
  t.is(hierarchy.get(2), undefined)
  const error = refuses(t, hierarchy, 'ERR_HIERARCHY_PID_EXISTS', () => init.fork(2))
  t.regex(error?.message ?? '', /pid 2 .*process group/)
  member.exit()
  member.free()
  t.is(child(init, 2).group, init.group)
})

test('freeing keeps the last group at hand, which no longer lists the process', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  forked.exit()
  forked.free()
  t.is(forked.group, init.group)
  t.deepEqual(pids(init.group.processes), [1])
})
