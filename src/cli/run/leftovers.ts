import { setTimeout as sleep } from 'node:timers/promises'

import { areStrangersWaiting, strangers } from '../../adopt.ts'
import { say } from './say.ts'

/** What became of what the command had left behind. */
export interface Leftovers {
  /** Number of processes that were asked to end. */
  terminated: number
  /** Number of processes that were made to. */
  killed: number
}

const BETWEEN_LOOKS = 10
/** A process that is still there so long after SIGKILL, in milliseconds, waits for a device that does not answer. */
const PATIENCE = 2000

/** Sends a signal; whether there was anybody who took it. */
const send = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal)
  } catch {
    // ESRCH: it has ended. EPERM: it is another user's by now, and we are not root.
    return false
  }
}

/**
 * Stops everything that has fallen to us: asks, waits `grace` milliseconds, insists.
 *
 * A pid that is listed here is that of a child of ours, and no other process gets it before it is reaped, which is done on
 * this very thread: it cannot be anybody else's by the time the signal is sent. Only our own children are signalled. What
 * they leave behind in turn falls to us, and has its turn in the next look; one that cares for its own children is not
 * interfered with.
 *
 * @param isHurried - looked at all the time: whether to insist at once.
 */
export const stopLeftovers = async (grace: number, isHurried: () => boolean): Promise<Leftovers> => {
  const result: Leftovers = { terminated: 0, killed: 0 }
  const end = performance.now() + grace
  let asked = new Set<number>()
  let killed = new Set<number>()
  let lastChange = 0
  for (;;) {
    const left = strangers()
    if (left.length === 0) return result
    const now = performance.now()
    const insist = now >= end || isHurried()
    // Only those that are there: a pid may come back as somebody else's.
    asked = new Set(left.filter((pid) => asked.has(pid)))
    killed = new Set(left.filter((pid) => killed.has(pid)))
    for (const pid of left) {
      if (insist) {
        if (killed.has(pid)) continue
        if (send(pid, 'SIGKILL')) result.killed++
        killed.add(pid)
        lastChange = now
      } else if (!asked.has(pid)) {
        if (send(pid, 'SIGTERM')) result.terminated++
        // One that is stopped would not see it.
        send(pid, 'SIGCONT')
        asked.add(pid)
      }
    }
    if (insist && now - lastChange > PATIENCE) {
      say(`brood run: cannot stop ${left.join(', ')}`)
      return result
    }
    await sleep(BETWEEN_LOOKS)
  }
}

/** Waits until all strangers that have ended are reaped. */
export const reapLast = async (): Promise<void> => {
  const end = performance.now() + PATIENCE
  while (areStrangersWaiting() && performance.now() < end) await sleep(1)
}
