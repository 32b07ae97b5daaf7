// Not a benchmark: the ways to make a process that depend on the memory held (fork) take a hundred times longer with 600 MB.
import test from 'ava'

import { checkLeaks } from './helpers/leaks.ts'
import { runProgram } from './helpers/program.ts'

checkLeaks(test)

const { BROOD_SPAWN: _spawn, ...env } = process.env

for (const method of [undefined, 'clone']) {
  test.serial(`one spawn takes no longer with much memory held (BROOD_SPAWN=${method ?? ''})`, async (t) => {
    const { small, large, resident } = await runProgram<Record<'small' | 'large' | 'resident', number>>(
      'blocking-time.ts',
      [],
      { env: { ...env, ...(method !== undefined && { BROOD_SPAWN: method }) } },
    )
    t.log(`${small.toFixed(0)} µs, and ${large.toFixed(0)} µs with ${Math.round(resident / 2 ** 20)} MB held`)
    t.true(resident > 600 * 2 ** 20)
    t.true(large < 10 * small, `${small} µs, and ${large} µs with much memory held`)
  })
}
