import { spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { processTree, ProcessError, spawn, type Process, type ProcessInfo } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { relatives } from '../helpers/relatives.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { until } from '../helpers/until.ts'
import { isZombie, processEntry } from '../helpers/zombies.ts'

checkLeaks(test)

const infoOf = (process: Process | undefined): ProcessInfo => process!.data as ProcessInfo

const thrownBy = (pid: unknown): ProcessError => {
  try {
    processTree(pid as number)
  } catch (error) {
    return error as ProcessError
  }
  throw new Error('nothing was thrown')
}

test('a child is in the tree as soon as spawn() returns, and each time', async (t) => {
  const children = Array.from({ length: 50 }, () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
    t.is(processTree().get(child.pid)?.parent?.pid, process.pid)
    return child
  })
  const tree = processTree()
  t.is(tree.init.pid, process.pid)
  t.true(children.every(({ pid }) => tree.get(pid)?.parent === tree.init))
  await Promise.all(children.map((child) => child.stop({ signal: 'SIGKILL' })))
  t.true(children.every(({ pid }) => processTree().get(pid) === undefined))
})

test('what the kernel tells is there', async (t) => {
  const before = Date.now()
  const child = spawn('sh', ['-c', 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exec sleep 1000'], {
    detached: true,
  })
  await until(() => infoOf(processTree().get(child.pid)).command === 'sleep 1000', 'it sleeps')
  const { ppid, pgid, sid, startTime, rss, cpuTime } = infoOf(processTree().get(child.pid))
  t.deepEqual({ ppid, pgid, sid }, { ppid: process.pid, pgid: child.pid, sid: child.pid })
  t.true(Math.abs(startTime - before) < 5_000, `${startTime} is about ${before}`)
  t.true(rss > 100_000 && rss < 1e9, `${rss} bytes`)
  t.true(cpuTime > 0 && cpuTime < 60_000, `${cpuTime} ms`)
  await until(() => infoOf(processTree().get(child.pid)).state === 'S', 'it is shown as asleep')
  t.is(infoOf(processTree(child.pid).init).startTime, startTime, 'the same each time')
  await child.stop({ signal: 'SIGKILL' })
})

test('our own data is what Node says of us', (t) => {
  const info = infoOf(processTree().init)
  t.is(info.ppid, process.ppid)
  t.true(info.command.startsWith(process.argv0.split('/').at(-1)!) || info.command.includes('node'))
  t.true(Math.abs(info.startTime - (Date.now() - process.uptime() * 1000)) < 3_000)
  t.is(processTree(process.ppid).get(process.pid)?.parent?.pid, process.ppid)
})

test('groups and sessions are those of the kernel', async (t) => {
  const family = relatives(t)
  const child = spawn('sh', ['-c', 'setsid sleep 1000 & sleep 1000 & wait'], {
    stdio: 'ignore',
    env: family.env,
    processGroup: true,
  })
  const pids = await family.reach(3)
  const [leader] = await until(() => {
    const found = pids.filter((pid) => processEntry(pid)?.session === pid)
    return found.length === 1 ? found : undefined
  }, 'one has a session of its own')
  const tree = processTree(child.pid)
  t.deepEqual(
    tree.init.group.processes.map(({ pid }) => pid),
    pids.filter((pid) => pid !== leader).toSorted((a, b) => a - b),
  )
  t.is(tree.init.group.pgid, child.pid)
  const other = tree.get(leader!)!
  t.is(other.group.pgid, leader!)
  t.is(other.group.session.sid, leader!)
  t.not(other.group.session, tree.init.group.session)
  child.killTree('SIGKILL')
  await child.wait()
})

test('a name may hold spaces, parentheses and newlines', async (t) => {
  const name = ') Z 1\n(0 0'
  const path = join(temporaryDirectory(t), name)
  symlinkSync('/bin/sleep', path)
  const child = spawn(path, ['1000'])
  await child.spawned
  const tree = processTree()
  const entry = tree.get(child.pid)
  t.is(entry?.parent, tree.init)
  t.false(entry?.isZombie)
  t.is(infoOf(entry).command, `${path} 1000`)
  await child.stop({ signal: 'SIGKILL' })
})

test('a zombie is in the tree, with its name', async (t) => {
  const family = relatives(t)
  // What is executed in the end never waits for the child of the shell that it was.
  const child = spawn('sh', ['-c', 'sleep 0 & exec sleep 1000'], { stdio: 'ignore', env: family.env })
  const zombie = await until(
    () => processTree(child.pid).init.children.find(({ pid }) => isZombie(pid)),
    'there is a zombie',
  )
  t.true(zombie.isZombie)
  t.is(infoOf(zombie).state, 'Z')
  t.regex(infoOf(zombie).command, /^\[(sleep|sh)\]$/)
  t.is(processTree(zombie.pid).init.pid, zombie.pid)
  await child.stop({ signal: 'SIGKILL' })
})

const hasPython = spawnSync('python3', ['-c', 'import ctypes']).status === 0
const exitNumber = { x64: 60, arm64: 93 }[process.arch as string]
const leaderTest = hasPython && exitNumber !== undefined ? test : test.skip
leaderTest(
  `a process whose first thread has ended lives${hasPython ? '' : ' (skipped: it takes python3 with ctypes)'}`,
  async (t) => {
    const script = `
import ctypes, threading, time
threading.Thread(target=lambda: time.sleep(1000)).start()
ctypes.CDLL(None).syscall(${exitNumber}, 0)`
    const child = spawn('python3', ['-c', script])
    await until(() => processEntry(child.pid)?.state === 'Z', 'the kernel shows its first thread as a zombie')
    const { init } = processTree(child.pid)
    t.false(init.isZombie)
    t.is(infoOf(init).state, 'S')
    t.is(child.killTree('SIGKILL'), 1)
    t.is((await child.wait()).signal, 'SIGKILL')
  },
)

test('a pid that nobody has', async (t) => {
  const child = spawn('true')
  await child.wait()
  const error = thrownBy(child.pid)
  t.true(error instanceof ProcessError)
  t.is(error.name, 'ProcessError')
  const { code, errno, syscall, pid } = error
  t.deepEqual({ code, errno, syscall, pid }, { code: 'ESRCH', errno: -3, syscall: 'processTree', pid: child.pid })
  t.regex(error.message, new RegExp(`${child.pid}.*ESRCH`))
})

for (const [pid, code] of [
  [0, 'ERR_OUT_OF_RANGE'],
  [-1, 'ERR_OUT_OF_RANGE'],
  [1.5, 'ERR_OUT_OF_RANGE'],
  [NaN, 'ERR_OUT_OF_RANGE'],
  [2 ** 32 + 1, 'ERR_OUT_OF_RANGE'],
  [null, 'ERR_INVALID_ARG_TYPE'],
  [{}, 'ERR_INVALID_ARG_TYPE'],
] as const) {
  test(`${String(pid)} is no pid`, (t) => {
    const error = thrownBy(pid)
    t.is(error.code, code)
    t.true(error instanceof TypeError || error instanceof RangeError)
    t.regex(error.message, /"pid" must be a process id/)
  })
}

test('whatever comes and goes, parents are parents and who stays is there', async (t) => {
  const family = relatives(t)
  const staying = spawn('sh', ['-c', 'sleep 1000 & exec sleep 1000'], { env: family.env, stdio: 'ignore' })
  const [a, b] = await family.reach(2)
  const churning = spawn('sh', ['-c', 'while :; do (sh -c "true & true" & true) & true; done'], {
    env: family.env,
    stdio: 'ignore',
  })
  for (let round = 0; round < 200; round++) {
    const tree = processTree()
    t.truthy(tree.get(a!) && tree.get(b!), `round ${round}`)
    for (const entry of tree) {
      const { parent } = entry
      if (parent === null) continue
      const info = infoOf(entry)
      // Zombies with children, and the like, would be under init by the rules of the model.
      if (info.ppid !== parent.pid || infoOf(parent).startTime > info.startTime) {
        t.fail(`round ${round}: ${entry.pid} is under ${parent.pid} and says ${info.ppid}`)
      }
    }
  }
  churning.killTree('SIGKILL')
  staying.killTree('SIGKILL')
  await Promise.all([churning.wait(), staying.wait()])
})
