import { setTimeout as sleep } from 'node:timers/promises'

import { fs } from '../../builtins.ts'
import { spawn } from '../../spawn.ts'

/** Whether orphans are reaped where we are, and by whom. */
export interface Reaping {
  /** What makes us think that this is a container; `null` when nothing does. */
  readonly container: string | null
  /** Whether we are PID 1 ourselves. */
  readonly isInit: boolean
  /** The name of PID 1. */
  readonly init: string | null
  /** The pids of zombies whose parent is PID 1 now. */
  readonly zombies: readonly number[]
  /** An orphan made for a try: `reaped`, `left as a zombie`, or `unknown` where that could not be seen. */
  readonly orphan: 'reaped' | 'left as a zombie' | 'unknown'
}

/** Reads a file of /proc; `null` where it is not there, or not for us. */
export const readProc = (path: string): string | null => {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** State and parent of a process. */
const look = (pid: number): { state: string; parent: number } | undefined => {
  const line = readProc(`/proc/${pid}/stat`)
  if (line === null) return undefined
  // The second field, the name, may hold spaces and parentheses itself.
  const [state, parent] = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return { state: state!, parent: Number(parent) }
}

const findContainer = (): string | null => {
  if (fs.existsSync('/.dockerenv')) return 'docker'
  if (fs.existsSync('/run/.containerenv')) return 'podman'
  if (process.env['KUBERNETES_SERVICE_HOST'] !== undefined) return 'kubernetes'
  if (process.env['container'] !== undefined) return process.env['container']
  const found = /docker|kubepods|containerd|libpod|lxc/.exec(readProc('/proc/1/cgroup') ?? '')
  if (found !== null) return found[0]
  // More than one pid: this one in the namespace we are in, and those outside of it.
  const pids = /^NSpid:\s*(.*)$/m.exec(readProc('/proc/self/status') ?? '')?.[1]?.split(/\s+/) ?? []
  return pids.length > 1 ? 'a pid namespace' : null
}

const zombiesOfInit = (): number[] => {
  const pids = fs.existsSync('/proc/1') ? fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []
  return pids.map(Number).filter((pid) => {
    const seen = look(pid)
    return seen?.state === 'Z' && seen.parent === 1
  })
}

/** Milliseconds that whoever reaps here may take for it. */
const PATIENCE = 2000

/** Makes an orphan that ends at once, and sees what becomes of it. */
const tryOrphan = async (): Promise<Reaping['orphan']> => {
  try {
    // exec: a shell that stayed would reap it itself.
    const child = spawn('/bin/sh', ['-c', 'sleep 0.1 & echo $!; exec true'], { stdin: 'ignore', stderr: 'ignore' })
    // Without waiting for the end of the pipe, which the orphan holds.
    const { stdout } = await child.output({ drain: 0 })
    const pid = Number(stdout)
    if (!Number.isInteger(pid) || pid <= 0) return 'unknown'
    const end = performance.now() + PATIENCE
    let seen = look(pid)
    while (seen !== undefined && performance.now() < end) {
      await sleep(5)
      seen = look(pid)
    }
    if (seen === undefined) return fs.existsSync('/proc/self') ? 'reaped' : 'unknown'
    return seen.state === 'Z' ? 'left as a zombie' : 'unknown'
  } catch {
    return 'unknown'
  }
}

/** Finds out who reaps here, if anybody. */
export const examineReaping = async (): Promise<Reaping> => {
  const zombies = zombiesOfInit()
  return {
    container: findContainer(),
    isInit: process.pid === 1,
    init: readProc('/proc/1/comm')?.trimEnd() ?? null,
    zombies,
    orphan: await tryOrphan(),
  }
}
