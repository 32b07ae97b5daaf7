import { readdirSync, readFileSync } from 'node:fs'

/** One process as /proc shows it. */
export interface ProcessEntry {
  readonly pid: number
  readonly ppid: number
  /** R, S, D, T, t or Z: proc(5). */
  readonly state: string
  readonly processGroup: number
  readonly session: number
}

/** Looks a process up; `undefined` when there is none, not even a zombie. */
export const processEntry = (pid: number): ProcessEntry | undefined => {
  let line: string
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The second field, the name, may hold spaces and parentheses itself.
  const [state, ppid, processGroup, session] = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return { pid, state: state!, ppid: Number(ppid), processGroup: Number(processGroup), session: Number(session) }
}

/** All children of a process, zombies included, whichever of its threads made them. */
export const childrenOf = (parent: number = process.pid): ProcessEntry[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processEntry(Number(name)))
    .filter((entry) => entry !== undefined)
    .filter(({ ppid }) => ppid === parent)

/** The children of a process that have ended and that nobody has waited for. */
export const zombiesOf = (parent: number = process.pid): ProcessEntry[] =>
  childrenOf(parent).filter(({ state }) => state === 'Z')

/** Whether there is such a process and it has not ended. */
export const isAlive = (pid: number): boolean => {
  const state = processEntry(pid)?.state
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Whether it has ended, and was not waited for. */
export const isZombie = (pid: number): boolean => processEntry(pid)?.state === 'Z'

/** Whether there is no trace of it any more. */
export const isGone = (pid: number): boolean => processEntry(pid) === undefined

/** A line of /proc/PID/status, such as `SigIgn`. */
export const statusLine = (pid: number | 'self', name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
