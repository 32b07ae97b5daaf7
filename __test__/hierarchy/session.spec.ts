import test from 'ava'
import { Hierarchy, type Process } from '../../src/hierarchy/index.ts'
import { child, pids, refuses } from './family.ts'

const createSession = (process: Process) => {
  const created = process.createSession()
  if (created === null) throw new Error('expected a session')
  return created
}

test('createSession makes a session with one group, both of the process’ own number', (t) => {
  const { init } = new Hierarchy()
  const forked = child(init, 2)
  const { session, group } = createSession(forked)
  t.is(session.sid, 2)
  t.is(group.pgid, 2)
  t.is(group.session, session)
  t.is(forked.group, group)
  t.is(session.processGroups.length, 1)
  t.is(session.processGroups[0], group)
  t.deepEqual(pids(group.processes), [2])
  t.deepEqual(pids(init.group.processes), [1])
})

test('createSession leaves the children where they are', (t) => {
  const { init } = new Hierarchy()
  const parent = child(init, 2)
  const forked = child(parent, 3)
  createSession(parent)
  t.is(forked.group, init.group)
  t.is(forked.parent, parent)
})

test('createSession is null for a session leader, and nothing changes', (t) => {
  const { init } = new Hierarchy()
  const { group } = init
  t.is(init.createSession(), null)
  t.is(init.group, group)
})

test('createSession is null for a session leader that has moved to another group', (t) => {
  const { init } = new Hierarchy()
  const leader = child(init, 2)
  const { session } = createSession(leader)
  const group = child(leader, 3).createGroup()
  t.true(group !== null && leader.moveToGroup(group))
  t.is(leader.createSession(), null)
  t.is(leader.group.session, session)
})

test('createSession is null for the leader of a group, as setsid fails for one', (t) => {
  const { init } = new Hierarchy()
  const leader = child(init, 2)
  const group = leader.createGroup()
  t.is(leader.createSession(), null)
  t.true(leader.group === group)
})

test('createSession is null while others are in the group the process has created and left', (t) => {
  const { init } = new Hierarchy()
  const leader = child(init, 2)
  leader.createGroup()
  const member = child(leader, 3)
  leader.moveToGroup(init.group)
  t.is(leader.createSession(), null)
  member.moveToGroup(init.group)
  t.is(createSession(leader).session.sid, 2)
})

test('the groups of a session are listed in the order of their ids', (t) => {
  const { init } = new Hierarchy()
  for (const pid of [9, 3, 6]) child(init, pid).createGroup()
  t.deepEqual(
    init.group.session.processGroups.map(({ pgid }) => pgid),
    [1, 3, 6, 9],
  )
})

test('a session goes with its last group', (t) => {
  const { init } = new Hierarchy()
  const leader = child(init, 2)
  const { session } = createSession(leader)
  const member = child(leader, 3)
  leader.exit()
  leader.free()
  t.is(session.processGroups.length, 1)
  member.exit()
  member.free()
  t.deepEqual(session.processGroups, [])
})

test('a session outlives its leader’s group, and its number is not used again meanwhile', (t) => {
  const hierarchy = new Hierarchy()
  const { init } = hierarchy
  const leader = child(init, 2)
  const { session } = createSession(leader)
  const member = child(leader, 3)
  const group = member.createGroup()
  leader.exit()
  leader.free()
  t.is(session.processGroups.length, 1)
  t.true(session.processGroups[0] === group)
  const error = refuses(t, hierarchy, 'ERR_HIERARCHY_PID_EXISTS', () => init.fork(2))
  t.regex(error?.message ?? '', /pid 2 .*session/)
  member.exit()
  member.free()
  t.notThrows(() => child(init, 2))
})

test('the only member of a session may move between groups of its own making', (t) => {
  const { init } = new Hierarchy()
  const leader = child(init, 2)
  const { session, group } = createSession(leader)
  const member = child(leader, 3)
  leader.exit()
  leader.free()
  const own = member.createGroup()
  t.is(own?.session, session)
  t.deepEqual(pids(group.processes), [])
  t.is(session.processGroups.length, 1)
  t.true(session.processGroups[0] === own)
})
