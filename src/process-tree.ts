import { callComplaint } from './complaint.ts'
import { processError } from './errors.ts'
import { Hierarchy } from './hierarchy/hierarchy.ts'
import { hierarchyFromTable, type ProcessRow } from './hierarchy/process-table.ts'
import { binding } from './native.ts'

/** What the kernel tells of a process. */
export interface ProcessInfo {
  /** The parent's pid; 0 for init, and where the parent is outside of our pid namespace. */
  readonly ppid: number
  /** The process group; 0 where that was made outside of our pid namespace. */
  readonly pgid: number
  /** The session; 0 as with `pgid`. */
  readonly sid: number
  /**
   * One letter: R runs or waits for a processor, S sleeps, D sleeps in the kernel and cannot be disturbed, T is stopped, t
   * is stopped by a tracer, I is idle, Z has ended and was not waited for. macOS tells no R from S and D: R.
   */
  readonly state: string
  /** Its arguments with spaces between them, at most 4 KiB; its name in brackets where it has none, as a zombie. */
  readonly command: string
  /**
   * When it was made: milliseconds since the epoch, in hundredths of a second on Linux. Together with the pid it names one
   * process for all time, as long as nobody sets the clock.
   */
  readonly startTime: number
  /** Resident memory in bytes. */
  readonly rss: number
  /** Processor time it has used, by all its threads, in user and system mode: milliseconds. */
  readonly cpuTime: number
}

/** Numbers in a row; `crate/node/src/family.rs` has the same layout. */
const FIELDS = 10

const HIGHEST_PID = 0x7fff_ffff

/** Looks a pid through that came from a user. */
export const checkPid = (pid: unknown): number => {
  const allowed = `a process id, an integer from 1 to ${HIGHEST_PID}`
  if (typeof pid !== 'number') throw callComplaint.type('pid', pid, allowed)
  if (!Number.isInteger(pid) || pid < 1 || pid > HIGHEST_PID) throw callComplaint.range('pid', pid, allowed)
  return pid
}

/** Makes rows of what the native part has put into one array and one string. */
const toRows = (numbers: Float64Array, commands: string): ProcessRow[] => {
  const rows: ProcessRow[] = []
  let at = 0
  for (let offset = 0; offset < numbers.length; offset += FIELDS) {
    const ppid = numbers[offset + 1]!
    const pgid = numbers[offset + 2]!
    const sid = numbers[offset + 3]!
    const data: ProcessInfo = {
      ppid,
      pgid,
      sid,
      state: String.fromCharCode(numbers[offset + 4]!),
      // Cut out of the one string, not copied.
      command: commands.slice(at, (at += numbers[offset + 9]!)),
      startTime: numbers[offset + 6]!,
      rss: numbers[offset + 7]!,
      cpuTime: numbers[offset + 8]!,
    }
    rows.push({ pid: numbers[offset]!, ppid, pgid, sid, zombie: numbers[offset + 5] === 1, data })
  }
  return rows
}

/**
 * The living hierarchy under a process: it and its descendants as the kernel has them now, zombies included. Its `init` is
 * the process itself, and the `data` of each is a {@link ProcessInfo}.
 *
 * It is a picture: what happens to the processes afterwards does not show, and what is done to it does nothing to them.
 * Read while processes come and go it is still true that each was the child of the one that is its parent; who vanished
 * meanwhile is left out. All children of this process that have not been reaped are in it from the moment `spawn()` returns.
 *
 * @param pid - where it starts. @default this process
 * @throws {TypeError | RangeError} with `code` `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE` for what is no pid.
 * @throws {ProcessError} with `code` `ESRCH` when there is no such process, `ENOENT` where `/proc` is not mounted, `EMFILE`
 * when there is no descriptor left.
 * @see {@link https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html | proc_pid_stat(5)}
 */
export const processTree = (pid: number = process.pid): Hierarchy => {
  const family = binding.processFamily(checkPid(pid))
  if (typeof family === 'number') throw processError('processTree', pid, family)
  return hierarchyFromTable(toRows(family.rows, family.commands), pid)
}
