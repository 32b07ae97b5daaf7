import test from 'ava'
import { Hierarchy, HierarchyError, type HierarchyErrorCode, type Process } from '../../src/hierarchy/index.ts'
import { child, refuses } from './family.ts'

const refused = test.macro({
  title: (_, what: string) => what,
  exec: (
    t,
    _what: string,
    code: HierarchyErrorCode,
    prepare: (init: Process) => Process,
    act: (process: Process) => unknown,
  ) => {
    const hierarchy = new Hierarchy()
    const process = prepare(hierarchy.init)
    const error = refuses(t, hierarchy, code, () => act(process))
    t.regex(error?.message ?? '', new RegExp(`\\b${process.pid}\\b`), 'the message names the process')
  },
})

const itself = (init: Process) => init
const running = (init: Process) => child(child(init, 8), 9)
const zombie = (init: Process) => {
  const process = running(init)
  process.exit()
  return process
}
const freed = (init: Process) => {
  const process = zombie(init)
  process.free()
  return process
}

test(refused, 'init cannot exit', 'ERR_HIERARCHY_INIT_EXIT', itself, (init) => init.exit())
test(refused, 'init cannot be freed', 'ERR_HIERARCHY_NOT_ZOMBIE', itself, (init) => init.free())
test(refused, 'a running process cannot be freed', 'ERR_HIERARCHY_NOT_ZOMBIE', running, (process) => process.free())
test(refused, 'a process exits once', 'ERR_HIERARCHY_ZOMBIE', zombie, (process) => process.exit())
test(refused, 'a process is freed once', 'ERR_HIERARCHY_FREED', freed, (process) => process.free())

const actions: Record<string, (process: Process) => unknown> = {
  fork: (process) => process.fork(20),
  exit: (process) => process.exit(),
  'create a group': (process) => process.createGroup(),
  'create a session': (process) => process.createSession(),
  'move to a group': (process) => process.moveToGroup(process.group),
  'start a thread': (process) => process.newThread(20),
}
for (const [name, act] of Object.entries(actions)) {
  test(refused, `a zombie cannot ${name}`, 'ERR_HIERARCHY_ZOMBIE', zombie, act)
  test(refused, `a freed process cannot ${name}`, 'ERR_HIERARCHY_FREED', freed, act)
}

test('a pid is given once, to running processes and zombies alike', (t) => {
  const hierarchy = new Hierarchy()
  const forked = child(hierarchy.init, 2)
  refuses(t, hierarchy, 'ERR_HIERARCHY_PID_EXISTS', () => hierarchy.init.fork(1))
  refuses(t, hierarchy, 'ERR_HIERARCHY_PID_EXISTS', () => forked.fork(2))
  forked.exit()
  const error = refuses(t, hierarchy, 'ERR_HIERARCHY_PID_EXISTS', () => hierarchy.init.fork(2))
  t.regex(error?.message ?? '', /free\(\)/)
})

test('a pid that was taken between fork() and build() is refused, and the builder may be used later', (t) => {
  const hierarchy = new Hierarchy()
  const builder = hierarchy.init.fork(2).data('kept')
  const rival = child(hierarchy.init, 2)
  refuses(t, hierarchy, 'ERR_HIERARCHY_PID_EXISTS', () => builder.build())
  rival.exit()
  rival.free()
  t.is(builder.build().data, 'kept')
})

test('a parent that exited between fork() and build() has no child', (t) => {
  const hierarchy = new Hierarchy()
  const parent = child(hierarchy.init, 2)
  const builder = parent.fork(3)
  parent.exit()
  refuses(t, hierarchy, 'ERR_HIERARCHY_ZOMBIE', () => builder.build())
  parent.free()
  refuses(t, hierarchy, 'ERR_HIERARCHY_FREED', () => builder.build())
})

test('a builder builds once', (t) => {
  const hierarchy = new Hierarchy()
  const builder = hierarchy.init.fork(2)
  const forked = builder.build()
  refuses(t, hierarchy, 'ERR_HIERARCHY_BUILT', () => builder.build())
  refuses(t, hierarchy, 'ERR_HIERARCHY_BUILT', () => builder.data('late'))
  forked.exit()
  forked.free()
  refuses(t, hierarchy, 'ERR_HIERARCHY_BUILT', () => builder.build())
})

for (const pid of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '2', 2n, null, Symbol('pid')]) {
  test(`a pid is a positive safe integer, not ${String(pid)} (${typeof pid})`, (t) => {
    const hierarchy = new Hierarchy()
    refuses(t, hierarchy, 'ERR_HIERARCHY_BAD_PID', () => hierarchy.init.fork(pid as number))
    t.throws(() => new Hierarchy(pid as number), { instanceOf: HierarchyError, code: 'ERR_HIERARCHY_BAD_PID' })
  })
}

test('a process does not move to a group of another hierarchy', (t) => {
  const hierarchy = new Hierarchy()
  const forked = child(hierarchy.init, 2)
  const { group } = new Hierarchy().init
  refuses(t, hierarchy, 'ERR_HIERARCHY_FOREIGN_GROUP', () => forked.moveToGroup(group))
  t.is(group.processes.length, 1)
})

for (const value of [undefined, null, 1, {}, 'group']) {
  test(`a process does not move to what is no group: ${JSON.stringify(value)}`, (t) => {
    const hierarchy = new Hierarchy()
    refuses(t, hierarchy, 'ERR_HIERARCHY_FOREIGN_GROUP', () => hierarchy.init.moveToGroup(value as never))
  })
}

test('a HierarchyError is an Error with a name, a code and a message', (t) => {
  const error = t.throws(() => new Hierarchy().init.exit(), { instanceOf: HierarchyError })
  t.is(error?.name, 'HierarchyError')
  t.is(error?.code, 'ERR_HIERARCHY_INIT_EXIT')
  t.deepEqual(Object.keys(error ?? {}), ['code'])
  t.regex(String(error), /^HierarchyError: init \(pid 1\) cannot exit/)
})
