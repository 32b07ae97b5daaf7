import type { ExecutionContext } from 'ava'

/** A shell command that ends at once and leaves a process which holds all of its descriptors; prints that one's pid. */
export const LEAVE_GRANDCHILD = 'sleep 1000 & echo $!'

/** Kills a process that is not our child when the test is over. */
export const killAtEnd = (t: ExecutionContext, pid: number): void =>
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  })
