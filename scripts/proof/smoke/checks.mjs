// Uses brood as a program would. Handed the module by whoever has imported or required it, in whatever runtime.

import { strict as assert } from 'node:assert'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

const DEADLINE = 20_000

/** Waits until something is so. */
const until = async (what, isSo) => {
  for (const end = Date.now() + DEADLINE; !isSo();) {
    if (Date.now() > end) throw new Error(`not within ${DEADLINE} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const isThere = (pid) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const text = async (stream) => {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** What is to be so, by name. `worker` is a program that does the same as its importer. */
const checks = {
  'exit status': async ({ spawn }) => {
    const status = await spawn('sh', ['-c', 'exit 3'], { stdio: 'ignore' }).wait()
    assert.deepEqual([status.code, status.signal, status.success, String(status)], [3, null, false, 'exit code 3'])
    assert.equal((await spawn('true').wait()).success, true)
  },
  errors: async ({ spawn, SpawnError }) => {
    assert.throws(
      () => spawn('no-such-program'),
      (error) => error instanceof SpawnError && error.code === 'ENOENT',
    )
  },
  pipes: async ({ spawn }) => {
    const sent = 'some text\n'.repeat(50_000)
    const cat = spawn('cat')
    cat.stdin.end(sent)
    const [received, status] = await Promise.all([text(cat.stdout), cat.wait()])
    assert.equal(received === sent && status.success, true)
    const talker = spawn('sh', ['-c', 'echo to stdout; echo to stderr >&2'])
    assert.deepEqual(await Promise.all([text(talker.stdout), text(talker.stderr)]), ['to stdout\n', 'to stderr\n'])
  },
  'a pipe past stderr': async ({ spawn }) => {
    const child = spawn('sh', ['-c', 'read line <&3; echo "got $line" >&3'], { stdio: ['ignore', 'ignore', 2, 'pipe'] })
    child.stdio[3].write('a line\n')
    assert.equal(await text(child.stdio[3]), 'got a line\n')
  },
  'one child feeds another': async ({ spawn }) => {
    const first = spawn('sh', ['-c', 'sleep 0.2; echo passed on'])
    const second = spawn('cat', { stdin: first.stdout })
    assert.equal((await second.output()).stdout, 'passed on\n')
  },
  run: async ({ run, ExitError }) => {
    assert.equal((await run('cat', { input: 'grüße' })).stdout, 'grüße')
    const { stdout } = await run('head', ['-c', '3000000', '/dev/zero'], { encoding: 'buffer' })
    assert.equal(stdout.length, 3_000_000)
    const failure = await run('sh', ['-c', 'echo why >&2; exit 1']).catch((error) => error)
    assert.equal(failure instanceof ExitError && failure.stderr, 'why\n')
    const late = await run('sleep', ['1000'], { timeout: 50 }).catch((error) => error)
    assert.equal(late.code, 'ETIMEDOUT')
  },
  kill: async ({ spawn }) => {
    const child = spawn('sleep', ['1000'])
    assert.equal(child.kill(), true)
    assert.equal((await child.wait()).signal, 'SIGTERM')
    assert.equal(child.kill(), false)
  },
  killTree: async ({ spawn, processTree }) => {
    const shell = spawn('sh', ['-c', 'sleep 1001 & sleep 1002; true'], { stdio: 'ignore' })
    const pids = () => Array.from(processTree(shell.pid), ({ pid }) => pid)
    await until('the family has three members', () => pids().length === 3)
    const family = pids()
    assert.equal(shell.killTree('SIGKILL'), 3)
    assert.equal((await shell.wait()).signal, 'SIGKILL')
    await until('the whole family is gone', () => family.every((pid) => !isAlive(pid)))
  },
  orphanQueue: async ({ spawn, orphanQueue }) => {
    const child = spawn('sleep', ['0.05'], { stdio: 'ignore' })
    const reaped = []
    const listener = ({ pid }) => reaped.push(pid)
    orphanQueue.on('reap', listener)
    child.orphan()
    await until('the orphan is reaped', () => reaped.includes(child.pid))
    orphanQueue.off('reap', listener)
    assert.equal(isThere(child.pid), false)
  },
  adoptOrphans: async ({ run, adoptOrphans, capabilities, orphanQueue }) => {
    if (!capabilities().subreaper) return
    const adoption = adoptOrphans({ grace: 20 })
    const reaped = []
    const listener = ({ pid, adopted }) => adopted && reaped.push(pid)
    orphanQueue.on('reap', listener)
    const { stdout } = await run('sh', ['-c', 'sleep 0.1 >/dev/null & echo $!'])
    await until('the adopted one is reaped', () => reaped.includes(Number(stdout)))
    orphanQueue.off('reap', listener)
    assert.equal(adoption.adopted, 1)
    adoption[Symbol.dispose]()
  },
  'node:child_process beside it': async ({ spawn }) => {
    const { spawn: spawnTheOther } = await import('node:child_process')
    const theirs = spawnTheOther('sh', ['-c', 'exit 7'])
    const code = new Promise((resolve) => theirs.on('exit', resolve))
    assert.equal((await spawn('sh', ['-c', 'exit 6']).wait()).code, 6)
    assert.equal(await code, 7)
  },
  workers: async (_brood, worker) => {
    const start = (how) => {
      const thread = new Worker(worker, { workerData: how })
      const ended = new Promise((resolve) => thread.on('exit', resolve))
      const told = new Promise((resolve, reject) => thread.on('message', resolve).on('error', reject))
      return { thread, ended, told }
    }
    const finishing = start('finish')
    assert.equal(await finishing.told, 'from a worker\n')
    assert.equal(await finishing.ended, 0)
    const stopped = start('be stopped')
    const pid = await stopped.told
    await stopped.thread.terminate()
    await until('the child of a worker that was stopped is gone', () => !isThere(pid))
  },
}

/** No zombie, and nobody alive. */
const isAlive = (pid) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
  } catch {
    return !existsSync('/proc/self/stat') && isThere(pid)
  }
}

/** The children of all threads of this process, as the kernel has them. */
const children = () => {
  if (!existsSync('/proc/self/task')) return []
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean)
    } catch {
      // A thread that has just ended, or a kernel without these files.
      return []
    }
  })
}

/** Checks everything; then the program is to end by itself. */
export const check = async (brood, worker) => {
  for (const [name, one] of Object.entries(checks)) {
    try {
      await one(brood, worker)
    } catch (error) {
      throw new Error(`${name}: ${error.stack ?? error}`, { cause: error })
    }
  }
  await until(`no child is left (${children().join(', ')})`, () => children().length === 0)
  // Does not hold the program open, and does not outlive it: whoever runs this looks.
  const last = brood.spawn('sleep', ['1000'], { stdio: 'ignore', killOnDrop: true }).unref()
  console.log(JSON.stringify({ checks: Object.keys(checks).length, last: last.pid }))
}
