// node scripts/platforms/smoke.mjs [DIRECTORY]: whether brood works on this machine at all, in a few seconds. With nothing but
// Node and what each Unix has, so that it runs on a Mac, in a virtual machine, under an emulator. DIRECTORY: where package.json,
// dist/ and the binary lie; else the one that this file belongs to.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

const directory = process.argv[2] ?? join(import.meta.dirname, '../..')
const entry = pathToFileURL(join(directory, 'dist/index.js')).href
const { ExitError, capabilities, orphanQueue, run, spawn } = await import(entry)

const deadline = setTimeout(() => {
  console.error(`smoke: it hangs, in "${current}"`)
  process.exit(1)
}, 120_000)
let current = ''

/** Tries until it does not throw; the deadline above is for that as well. */
const until = async (attempt) => {
  for (;;) {
    try {
      return attempt()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')

const checks = {
  'a command and its output': async () => {
    const { stdout, stderr } = await run('sh', ['-c', 'echo out; echo err >&2'])
    assert.deepEqual([stdout, stderr], ['out\n', 'err\n'])
  },
  'an exit code is an error that says so': async () => {
    await assert.rejects(run('sh', ['-c', 'exit 7']), (error) => error instanceof ExitError && error.status.code === 7)
  },
  'a program that is not there': async () => {
    await assert.rejects(run('/nonexistent/program'), { code: 'ENOENT' })
  },
  'two megabytes there and back': async () => {
    const input = Buffer.alloc(2 << 20, 'brood')
    const { stdout } = await run('cat', { input, encoding: 'buffer' })
    assert.equal(digest(stdout), digest(input))
  },
  'streams, made when they are read': async () => {
    const child = spawn('cat')
    child.stdin.end('through a pipe')
    assert.equal(await text(child.stdout), 'through a pipe')
    assert.equal((await child.wait()).success, true)
  },
  'environment and working directory': async () => {
    const { stdout } = await run('sh', ['-c', 'echo "$WORD"; pwd -P'], {
      env: { ...process.env, WORD: 'x y' },
      cwd: '/',
    })
    assert.equal(stdout, 'x y\n/\n')
  },
  'a signal is told by its name': async () => {
    const child = spawn('sleep', ['100'])
    child.kill('SIGKILL')
    assert.equal((await child.wait()).signal, 'SIGKILL')
  },
  'stop asks, then insists': async () => {
    // It says when it has set its trap: a signal before that would end it.
    const child = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'])
    for await (const _ of child.stdout) break
    assert.equal((await child.stop({ grace: 100 })).signal, 'SIGKILL')
  },
  'a time limit': async () => {
    await assert.rejects(run('sleep', ['100'], { timeout: 100 }), { name: 'TimeoutError' })
  },
  'a process group of its own': async () => {
    const child = spawn('sleep', ['100'], { processGroup: true })
    // Made by the child, just before its program; and under qemu-user, whose vfork is a fork, it may be later still.
    await child.spawned
    await until(() => process.kill(-child.pid, 'SIGTERM'))
    assert.equal((await child.wait()).signal, 'SIGTERM')
  },
  'a hundred at once': async () => {
    const ended = await Promise.all(Array.from({ length: 100 }, () => run('true')))
    assert.equal(ended.length, 100)
  },
  'who is given up is reaped all the same': async () => {
    spawn('true').orphan()
    while (orphanQueue.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  },
  'a worker thread': async () => {
    const program = `import { run } from ${JSON.stringify(entry)}; await run('true')`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`))
    const code = await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
    assert.equal(code, 0)
  },
}

console.log(`${process.version} ${process.platform} ${process.arch}: ${JSON.stringify(capabilities())}`)
let failures = 0
for (const [name, check] of Object.entries(checks)) {
  current = name
  try {
    await check()
  } catch (error) {
    failures++
    console.error(`smoke: ${name}: ${error.stack}`)
  }
}
clearTimeout(deadline)
const count = Object.keys(checks).length
console.log(`${count - failures} passed, ${failures} failed`)
process.exitCode = failures > 0 ? 1 : 0
