import { childInternals, type Child } from './child.ts'
import { callComplaint } from './complaint.ts'
import type { ExitStatus } from './exit-status.ts'
import { familyOfChild, stopFamily } from './family.ts'
import { LONGEST_TIME } from './option-checks.ts'
import { toSignalNumber, type Signal } from './signals.ts'

/** How to stop a process. */
export interface StopOptions {
  /** What to ask with. @default 'SIGTERM' */
  signal?: Signal
  /** Milliseconds until SIGKILL. @default 5000 */
  grace?: number
  /** Whether all its descendants are stopped with it, as by {@link Child.killTree}. @default false */
  tree?: boolean
}

/** Milliseconds from the asking to the insisting. */
export const GRACE = 5000

/** Sends `signal`, and SIGKILL if the child, or one of its family, is still there after `grace` milliseconds. */
export const escalate = async (
  child: Child,
  { signal = 'SIGTERM', grace = GRACE, tree = false }: StopOptions,
): Promise<ExitStatus> => {
  const number = toSignalNumber(signal)
  const allowed = 'a number of milliseconds of 0 or more'
  if (typeof grace !== 'number') throw callComplaint.type('grace', grace, allowed)
  if (!(grace >= 0)) throw callComplaint.range('grace', grace, allowed)
  if (typeof tree !== 'boolean') throw callComplaint.type('tree', tree, 'a boolean')
  const end = child.wait()
  const { id, isGivenUp } = childInternals(child)
  if (tree && !isGivenUp) {
    // It may turn out that there never was a program, which is told when all are gone.
    end.catch(() => {})
    await stopFamily(familyOfChild(id, child.pid), { signal: number, grace })
    return end
  }
  if (!child.kill(signal)) return end
  // Not unref'd: who waits for a child to stop wants the program to be there when it insists.
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.min(grace, LONGEST_TIME))
  try {
    return await end
  } finally {
    clearTimeout(timer)
  }
}
