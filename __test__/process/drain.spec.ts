import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { AbortError, run, spawn, TimeoutError } from 'brood'

import { killAtEnd, LEAVE_GRANDCHILD } from '../helpers/grandchild.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'
import { isAlive } from '../helpers/zombies.ts'

checkLeaks(test)

test('drain: 0 takes what there is when the child ends', async (t) => {
  const output = await within(run('sh', ['-c', LEAVE_GRANDCHILD], { drain: 0 }), 'run resolves')
  const grandchild = Number(output.stdout)
  killAtEnd(t, grandchild)
  t.true(output.truncated)
  t.true(output.status.success)
  t.true(isAlive(grandchild), 'nobody has killed the grandchild')
})

test('drain reads on for so long, then it is what came', async (t) => {
  const script = '(sleep 0.2; echo late; exec sleep 1000) & echo $!'
  const output = await within(run('sh', ['-c', script], { drain: 3_000 }), 'run resolves')
  const [pid, late] = output.stdout.split('\n')
  killAtEnd(t, Number(pid))
  t.is(late, 'late')
  t.true(output.truncated)
})

test('drain ends with the stream, when that is earlier', async (t) => {
  const script = '(sleep 0.2; echo late) & echo early'
  const output = await within(run('sh', ['-c', script], { drain: 600_000 }), 'run resolves')
  t.is(output.stdout, 'early\nlate\n')
  t.false(output.truncated)
})

test('the time of drain begins with the exit', async (t) => {
  const output = await run('sh', ['-c', 'sleep 0.3; echo done'], { drain: 1 })
  t.is(output.stdout, 'done\n')
  t.false(output.truncated)
})

test('without drain it waits for the end of the stream', async (t) => {
  const output = await run('sh', ['-c', '(sleep 0.4; echo late) & echo early'])
  t.is(output.stdout, 'early\nlate\n')
  t.false(output.truncated)
})

test('drain: Infinity is the same', async (t) => {
  const output = await run('sh', ['-c', '(sleep 0.2; echo late) & :'], { drain: Infinity })
  t.is(output.stdout, 'late\n')
})

test('drain with output()', async (t) => {
  const child = spawn('sh', ['-c', LEAVE_GRANDCHILD])
  const output = await within(child.output({ drain: 0 }), 'output resolves')
  killAtEnd(t, Number(output.stdout))
  t.true(output.truncated)
})

test('drain with output() of streams that were read', async (t) => {
  const child = spawn('sh', ['-c', LEAVE_GRANDCHILD])
  t.not(child.stdout, null)
  const output = await within(child.output({ drain: 50 }), 'output resolves')
  killAtEnd(t, Number(output.stdout))
  t.true(output.truncated)
})

// A shell that ends at once must not make a timeout or an abort wait for what it has left behind.
test('timeout is over although only a grandchild is left, which holds the pipe', async (t) => {
  const running = run('sh', ['-c', LEAVE_GRANDCHILD], { timeout: 300 })
  const error = await within(rejectionOf(running, TimeoutError), 'run rejects')
  killAtEnd(t, Number(error.stdout))
  t.true(error.status.success)
})

test('abort ends the reading although only a grandchild is left, which holds the pipe', async (t) => {
  const controller = new AbortController()
  const file = join(temporaryDirectory(t), 'pid')
  const running = run('sh', ['-c', `${LEAVE_GRANDCHILD} > ${file}`], { signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 300)
  const error = await within(rejectionOf(running, AbortError), 'run rejects')
  killAtEnd(t, Number(readFileSync(file, 'utf8')))
  t.is((error.cause as Error).message, 'enough')
})

test('timeout stops a child whose grandchild holds the pipe', async (t) => {
  const running = run('sh', ['-c', `${LEAVE_GRANDCHILD}; exec sleep 1000`], { timeout: 300 })
  const error = await within(rejectionOf(running, TimeoutError), 'run rejects')
  killAtEnd(t, Number(error.stdout))
  t.is(error.status.signal, 'SIGTERM')
})
