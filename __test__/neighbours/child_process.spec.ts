// Each test runs in both modes by itself: what is tested is how they get on with others.
import test from 'ava'

import { fixture, runNode } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'

checkLeaks(test)

interface Result {
  readonly problems: string[]
  readonly latencies: number[]
  readonly counts: Record<string, number>
  readonly heard: number
  readonly reaper: string
  readonly orphans: number
}

for (const reaper of ['pidfd', 'sigchld']) {
  for (const first of ['brood', 'node']) {
    const title = `brood and node:child_process in one program, ${first} first, in ${reaper} mode`
    test.serial(`${title}: every exit of both sides arrives, in workers too`, async (t) => {
      const env = { ...process.env, BROOD_REAPER: reaper }
      const args = [fixture('neighbours/child-process.mjs'), first, '100', '2']
      const ended = await runNode(args, { env, timeout: 100_000 })
      t.like(ended, { code: 0, signal: null, stderr: '' })
      const { problems, latencies, counts, heard, orphans, ...rest } = JSON.parse(ended.stdout) as Result
      t.deepEqual(problems, [])
      t.is(rest.reaper, reaper)
      t.is(orphans, 0)
      for (const [kind, count] of Object.entries(counts)) t.true(count >= 10, `${kind}: ${count}`)
      t.true(heard > 0, "process.on('SIGCHLD') goes on hearing")
      const sorted = latencies.toSorted((a, b) => a - b)
      const [median, slowest] = [sorted[sorted.length >> 1]!, sorted.at(-1)!]
      t.log(`noticed after ${median.toFixed(1)} ms (median), ${slowest.toFixed(1)} ms (slowest)`)
      t.true(slowest < 2000, `an exit was noticed after ${slowest} ms`)
      t.true(median < 200, `half of the exits were noticed after more than ${median} ms`)
    })
  }
}
