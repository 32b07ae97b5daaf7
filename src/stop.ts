import type { Child } from './child.ts'
import { callComplaint } from './complaint.ts'
import type { ExitStatus } from './exit-status.ts'
import { LONGEST_TIME } from './options.ts'
import { toSignalNumber, type Signal } from './signals.ts'

/** How to stop a process. */
export interface StopOptions {
  /** What to ask with. @default 'SIGTERM' */
  signal?: Signal
  /** Milliseconds until SIGKILL. @default 5000 */
  grace?: number
}

/** Milliseconds from the asking to the insisting. */
export const GRACE = 5000

/** Sends `signal`, and SIGKILL if the child is still there after `grace` milliseconds. */
export const escalate = async (
  child: Child,
  { signal = 'SIGTERM', grace = GRACE }: StopOptions,
): Promise<ExitStatus> => {
  toSignalNumber(signal)
  const allowed = 'a number of milliseconds of 0 or more'
  if (typeof grace !== 'number') throw callComplaint.type('grace', grace, allowed)
  if (!(grace >= 0)) throw callComplaint.range('grace', grace, allowed)
  const end = child.wait()
  if (!child.kill(signal)) return end
  // Not unref'd: who waits for a child to stop wants the program to be there when it insists.
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.min(grace, LONGEST_TIME))
  try {
    return await end
  } finally {
    clearTimeout(timer)
  }
}
