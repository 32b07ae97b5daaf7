import test from 'ava'

import { runFixture } from '../helpers/fixture.ts'
import { killAtEnd } from '../helpers/grandchild.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { isAlive } from '../helpers/zombies.ts'

checkLeaks(test)

for (const way of [
  'a child',
  'a child with unread pipes',
  'unref() twice, ref() once',
  'wait() after unref() and ref()',
  'a stream that is read of a child with unref()',
  'run()',
  'output()',
]) {
  test(`the program goes on until the end of: ${way}`, async (t) => {
    const { stdout, code } = await runFixture('event-loop.mjs', [way])
    t.is(code, 0)
    t.is(stdout, 'waited\n')
  })
}

test('the program goes on until the end of the one child of two without unref()', async (t) => {
  const { stdout, code } = await runFixture('event-loop.mjs', ['one of two unref()'])
  const [pid, how] = stdout.split('\n')
  killAtEnd(t, Number(pid))
  t.is(code, 0)
  t.is(how, 'waited')
  t.true(isAlive(Number(pid)))
})

for (const way of [
  'import alone',
  'a child that has ended',
  'ref() of a child that has ended',
  'a timeout that is far away',
  'a signal that is never aborted',
]) {
  test(`the program ends at once with: ${way}`, async (t) => {
    const { stdout, code } = await runFixture('event-loop.mjs', [way])
    t.is(code, 0)
    t.is(stdout, 'did not wait\n')
  })
}

for (const way of [
  'unref()',
  'unref() with unread pipes',
  'ref() twice, unref() once',
  'unref() and a wait()',
  'a stream that is made, not read, of a child with unref()',
  'orphan()',
  'dispose',
  'dispose while the output is gathered',
  'a listener of the orphan queue',
]) {
  test(`the program ends at once, and its child lives on, with: ${way}`, async (t) => {
    const { stdout, code } = await runFixture('event-loop.mjs', [way])
    const [pid, how] = stdout.split('\n')
    killAtEnd(t, Number(pid))
    t.is(code, 0)
    t.is(how, 'did not wait')
    t.true(isAlive(Number(pid)))
  })
}
