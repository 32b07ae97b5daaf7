import test from 'ava'
import { Hierarchy } from '../../src/hierarchy/index.ts'
import { child, refuses } from './family.ts'

const process = () => child(new Hierarchy().init, 2)

test('a process begins without threads, and with exit code 0', (t) => {
  const forked = process()
  t.deepEqual(forked.threads, [])
  t.is(forked.exitCode, 0)
  t.false(forked.isGroupExited)
})

test('a thread knows its process and the process its thread', (t) => {
  const forked = process()
  const thread = forked.newThread(2).data('main').build()
  t.is(thread.tid, 2)
  t.is(thread.process, forked)
  t.is(thread.data, 'main')
  t.is(forked.threads.length, 1)
  t.is(forked.threads[0], thread)
})

test('threads are listed in the order of their ids', (t) => {
  const forked = process()
  for (const tid of [9, 3, 6]) forked.newThread(tid).build()
  t.deepEqual(
    forked.threads.map(({ tid }) => tid),
    [3, 6, 9],
  )
})

test('a thread that exits leaves its code with the process, and only the last one answers true', (t) => {
  const forked = process()
  const [one, other] = [forked.newThread(2).build(), forked.newThread(3).build()]
  t.false(one.exit(7))
  t.is(forked.exitCode, 7)
  t.is(forked.threads.length, 1)
  t.true(other.exit(8))
  t.is(forked.exitCode, 8)
  t.is(forked.threads.length, 0)
})

test('the last thread’s exit leaves the process running', (t) => {
  const forked = process()
  t.true(forked.newThread(2).build().exit(0))
  t.false(forked.isZombie)
})

test('the first group exit freezes the exit code', (t) => {
  const forked = process()
  const threads = [2, 3, 4].map((tid) => forked.newThread(tid).build())
  threads[0]?.exit(7)
  forked.groupExit()
  t.true(forked.isGroupExited)
  t.false(threads[1]?.exit(8))
  forked.groupExit()
  t.true(threads[2]?.exit(9))
  t.is(forked.exitCode, 7)
})

test('a group exit leaves the threads to exit by themselves', (t) => {
  const forked = process()
  forked.newThread(2).build()
  forked.groupExit()
  t.is(forked.threads.length, 1)
  t.false(forked.isZombie)
})

test('a zombie keeps its exit code, even under a group exit that comes late', (t) => {
  const forked = process()
  forked.newThread(2).build().exit(7)
  forked.exit()
  forked.groupExit()
  t.true(forked.isGroupExited)
  t.is(forked.exitCode, 7)
})

test('a tid may be used again once its thread has exited', (t) => {
  const forked = process()
  forked.newThread(2).build().exit(0)
  t.notThrows(() => forked.newThread(2).build())
})

test('thread ids are a process’ own: two processes may use the same', (t) => {
  const { init } = new Hierarchy()
  child(init, 2).newThread(5).build()
  t.notThrows(() => child(init, 3).newThread(5).build())
})

test('init may have threads', (t) => {
  const { init } = new Hierarchy()
  t.true(init.newThread(1).build().exit(0))
})

test('a tid exists once in a process', (t) => {
  const hierarchy = new Hierarchy()
  const forked = child(hierarchy.init, 2)
  const late = forked.newThread(5)
  forked.newThread(5).build()
  refuses(t, hierarchy, 'ERR_HIERARCHY_TID_EXISTS', () => forked.newThread(5))
  refuses(t, hierarchy, 'ERR_HIERARCHY_TID_EXISTS', () => late.build())
})

for (const tid of [0, -1, 1.5, Number.NaN, 2 ** 53, '2', null]) {
  test(`a tid is a positive safe integer, not ${String(tid)} (${typeof tid})`, (t) => {
    const hierarchy = new Hierarchy()
    refuses(t, hierarchy, 'ERR_HIERARCHY_BAD_TID', () => hierarchy.init.newThread(tid as number))
  })
}

for (const code of [1.5, Number.NaN, Infinity, '2', undefined]) {
  test(`an exit code is an integer, not ${String(code)} (${typeof code})`, (t) => {
    const hierarchy = new Hierarchy()
    const thread = hierarchy.init.newThread(1).build()
    refuses(t, hierarchy, 'ERR_HIERARCHY_BAD_EXIT_CODE', () => thread.exit(code as number))
  })
}

test('a thread exits once', (t) => {
  const hierarchy = new Hierarchy()
  const forked = child(hierarchy.init, 2)
  const thread = forked.newThread(2).build()
  thread.exit(1)
  refuses(t, hierarchy, 'ERR_HIERARCHY_THREAD_EXITED', () => thread.exit(2))
  forked.newThread(2).build()
  refuses(t, hierarchy, 'ERR_HIERARCHY_THREAD_EXITED', () => thread.exit(2))
})

test('a zombie starts no thread', (t) => {
  const hierarchy = new Hierarchy()
  const forked = child(hierarchy.init, 2)
  const builder = forked.newThread(2)
  forked.exit()
  refuses(t, hierarchy, 'ERR_HIERARCHY_ZOMBIE', () => forked.newThread(3))
  refuses(t, hierarchy, 'ERR_HIERARCHY_ZOMBIE', () => builder.build())
})

test('a builder of a thread builds once', (t) => {
  const hierarchy = new Hierarchy()
  const builder = hierarchy.init.newThread(5)
  builder.build().exit(0)
  refuses(t, hierarchy, 'ERR_HIERARCHY_BUILT', () => builder.build())
  refuses(t, hierarchy, 'ERR_HIERARCHY_BUILT', () => builder.data(1))
})
