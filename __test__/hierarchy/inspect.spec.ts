import { inspect } from 'node:util'
import test from 'ava'
import { Hierarchy } from '../../src/hierarchy/index.ts'
import { child, deep } from './family.ts'

test('a process prints its own ids and those around it', (t) => {
  const { init } = new Hierarchy()
  const parent = child(init, 2)
  child(parent, 3)
  t.is(inspect(parent), 'Process { pid: 2, parent: 1, children: 1, group: 1, session: 1 }')
  t.is(inspect(init), 'Process { pid: 1, parent: null, children: 1, group: 1, session: 1 }')
})

test('a process prints what is special about it', (t) => {
  const forked = child(new Hierarchy().init, 2)
  forked.isSubreaper = true
  forked.newThread(2).build()
  t.regex(inspect(forked, { breakLength: Infinity }), /session: 1, threads: 1, isSubreaper: true \}$/)
  forked.newThread(3).build().exit(7)
  forked.exit()
  t.regex(
    inspect(forked, { breakLength: Infinity }),
    /isSubreaper: true, isZombie: true, exitCode: 7, isFreed: false \}$/,
  )
})

test('groups, sessions, threads and hierarchies print ids', (t) => {
  const hierarchy = new Hierarchy()
  const { init } = hierarchy
  child(init, 2)
  t.is(inspect(hierarchy), 'Hierarchy { init: 1, size: 2 }')
  t.is(inspect(init.group), 'ProcessGroup { pgid: 1, session: 1, processes: 2 }')
  t.is(inspect(init.group.session), 'Session { sid: 1, processGroups: 1 }')
  t.is(inspect(init.newThread(5).build()), 'Thread { tid: 5, process: 1 }')
})

test('a large family prints no longer than a small one', (t) => {
  const { hierarchy } = deep(5_000)
  t.true(inspect(hierarchy, { depth: Infinity }).length < 200)
  t.true(inspect(hierarchy.init, { depth: Infinity, showHidden: true }).length < 200)
})
