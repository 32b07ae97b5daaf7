import test from 'ava'
import { ExitError, MaxBufferError, run, spawn } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf } from '../helpers/thrown.ts'
import { within } from '../helpers/until.ts'
import { isGone } from '../helpers/zombies.ts'

checkLeaks(test)

const CODE = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'

for (const [name, script] of [
  ['stdout', 'echo $$ >&2; exec yes'],
  ['stderr', 'echo $$; exec yes >&2'],
] as const) {
  test(`more on ${name} than maxBuffer kills the child and rejects`, async (t) => {
    const error = await within(
      rejectionOf(run('sh', ['-c', script], { maxBuffer: 1000 }), MaxBufferError),
      'it rejects',
    )
    t.is(error.code, CODE)
    t.true(error instanceof ExitError)
    t.is(error.name, 'MaxBufferError')
    t.is(error.status.signal, 'SIGKILL')
    t.true(error.message.startsWith(`${name} is more than maxBuffer, 1000 bytes`), error.message)
    t.is(error[name], 'y\n'.repeat(500))
    const pid = Number(name === 'stdout' ? error.stderr : error.stdout)
    t.true(pid > 0)
    t.true(isGone(pid), 'the process is gone when the promise is settled')
  })
}

test('as much as maxBuffer is not too much', async (t) => {
  const { stdout } = await run('head', ['-c', '1000', '/dev/zero'], { maxBuffer: 1000 })
  t.is(stdout.length, 1000)
  const error = await rejectionOf(run('head', ['-c', '1001', '/dev/zero'], { maxBuffer: 1000 }), MaxBufferError)
  t.is(error.stdout.length, 1000)
})

test('maxBuffer counts bytes, for each stream by itself', async (t) => {
  await rejectionOf(run('cat', { input: 'üüü', maxBuffer: 5 }), MaxBufferError)
  const { stdout, stderr } = await run('sh', ['-c', 'echo 1234; echo 1234 >&2'], { maxBuffer: 5 })
  t.is(stdout + stderr, '1234\n1234\n')
})

test('maxBuffer: 0 allows nothing', async (t) => {
  t.is((await run('true', { maxBuffer: 0 })).stdout, '')
  t.is((await rejectionOf(run('echo', { maxBuffer: 0 }), MaxBufferError)).stdout, '')
})

test('maxBuffer rejects also when check is false', async (t) => {
  await rejectionOf(run('yes', { maxBuffer: 10, check: false }), MaxBufferError)
  t.pass()
})

test('maxBuffer: Infinity is no limit; the default is 64 MiB', async (t) => {
  const bytes = (64 << 20) + 1
  const { stdout } = await run('head', ['-c', String(bytes), '/dev/zero'], { maxBuffer: Infinity, encoding: 'buffer' })
  t.is(stdout.length, bytes)
  const error = await rejectionOf(
    run('head', ['-c', String(bytes), '/dev/zero'], { encoding: 'buffer' }),
    MaxBufferError,
  )
  t.is(error.stdout.length, 64 << 20)
})

test('maxBuffer with output()', async (t) => {
  const error = await rejectionOf(spawn('yes').output({ maxBuffer: 10 }), MaxBufferError)
  t.is(error.code, CODE)
  t.is(error.stdout, 'y\n'.repeat(5))
})

test('maxBuffer with output() of streams that were read', async (t) => {
  const child = spawn('yes')
  t.not(child.stdout, null)
  const error = await within(rejectionOf(child.output({ maxBuffer: 10 }), MaxBufferError), 'it rejects')
  t.is(error.stdout, 'y\n'.repeat(5))
  t.is(error.status.signal, 'SIGKILL')
})

test('a stream that is read by its own is not limited', async (t) => {
  const child = spawn('head', ['-c', '1000000', '/dev/zero'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let length = 0
  for await (const chunk of child.stdout!) length += (chunk as Buffer).length
  t.is(length, 1_000_000)
  await child.wait()
})
