import test from 'ava'

import { runFixture } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until } from '../helpers/until.ts'
import { isAlive, isGone } from '../helpers/zombies.ts'

checkLeaks(test)

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? test : test.skip
const needsRoot = isRoot ? '' : ' (needs root)'

// setuid(3) signals all threads of the process and waits for each. It hung for ever when the driver thread had blocked
// that signal along with all others.
asRoot(`a program that gives root up while brood is loaded goes on${needsRoot}`, async (t) => {
  const { stdout, stderr, code } = await runFixture('drop-privileges.mjs')
  t.is(stderr, '')
  t.is(code, 0)
  const { privileged, refused, status, child, killed } = JSON.parse(stdout)
  t.true(isAlive(privileged))
  process.kill(privileged, 'SIGKILL')
  await until(() => isGone(privileged), 'the privileged child is gone')
  t.deepEqual(refused, { code: 'EPERM', errno: -1, syscall: 'kill' }, 'kill() says that it may not')
  t.is(status, null)
  t.deepEqual(child, { user: 65534, code: 0 })
  t.is(killed, 'SIGKILL')
})
