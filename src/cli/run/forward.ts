import { constants } from 'node:os'

import { listenToSignals } from '../../environment.ts'
import { signalName } from '../../signals.ts'

const { signals } = constants

/**
 * Those that are not passed on: two that nobody can catch; those that say that we ourselves have gone wrong; the one about
 * children; and what a terminal sends to a group in the background that reads or writes.
 */
const OWN = new Set<number | undefined>([
  signals.SIGKILL,
  signals.SIGSTOP,
  signals.SIGCHLD,
  signals.SIGFPE,
  signals.SIGILL,
  signals.SIGSEGV,
  signals.SIGBUS,
  signals.SIGABRT,
  signals.SIGTRAP,
  signals.SIGSYS,
  signals.SIGTTIN,
  signals.SIGTTOU,
])

/** The real-time signals that the C library leaves to programs. Node has no names, and so no events, for them. */
const REAL_TIME = process.platform === 'linux' ? Array.from({ length: 31 }, (_, index) => 34 + index) : []

/**
 * Calls a function for every signal that can be passed on. From now on none of them ends this process; as PID 1, none of them
 * is dropped by the kernel.
 */
export const onForwardable = (listener: (number: number) => void): void => {
  for (const number of new Set(Object.values(signals))) {
    if (OWN.has(number)) continue
    try {
      process.on(signalName(number), () => listener(number))
    } catch {
      // EINVAL: this system has the name and not the signal.
    }
  }
  listenToSignals(REAL_TIME, listener)
}
