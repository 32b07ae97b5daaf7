// The ps program, as who needs a table of processes calls it, and what it prints taken apart.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** All processes, whichever is asked for: ps knows no families. The number of rows. */
export const table = async () => {
  const { stdout } = await run('ps', ['-e', '-o', 'pid,ppid,args'], { maxBuffer: Infinity })
  const rows = stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, command] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? []
    return pid === undefined ? [] : [{ pid: Number(pid), ppid: Number(ppid), command }]
  })
  return rows.length
}
