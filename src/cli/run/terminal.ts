import { isatty } from 'node:tty'

import { binding } from '../../native.ts'
import type { SupervisorOptions } from '../../options.ts'

/** The descriptor by which a terminal is looked for. */
const STDIN = 0

/** How the command is to be started with regard to the terminal, and what is to be done about it while it runs. */
export interface TerminalPlan {
  readonly options: Pick<SupervisorOptions, 'detached' | 'processGroup' | 'controllingTerminal'>
  /** The command shares a session with others, who are to see when it stops: job control. */
  readonly isJob: boolean
}

/**
 * Decides whose the terminal is to be.
 *
 * - No terminal: the command gets a process group of its own, so that what we are sent can be told from what it is sent.
 * - A terminal whose session we lead, as PID 1 of a container does: we give it up, and the command takes it with a session of
 *   its own. Shells in it have job control, and Ctrl-C reaches the command, not us.
 * - A terminal of somebody else's session, as under an interactive shell: a session of its own would lose it. The command
 *   gets a process group of its own, in the foreground if we are there, and when it is stopped, so are we: the shell sees it.
 * - A terminal that controls none of us: a session of its own, which takes the terminal if it is nobody else's.
 */
export const planTerminal = (): TerminalPlan => {
  if (!isatty(STDIN)) return { options: { processGroup: true }, isJob: false }
  const terminal = binding.terminal(STDIN)
  if (terminal !== null && !terminal.isOurs) {
    const isInForeground = terminal.foreground === terminal.group
    return { options: { processGroup: true, controllingTerminal: isInForeground }, isJob: true }
  }
  if (terminal !== null) binding.leaveTerminal(STDIN)
  return { options: { detached: true, controllingTerminal: true }, isJob: false }
}

/** Moves the foreground of the terminal to a group, from another one: who has brought a third one there is left alone. */
const moveForeground = (from: number, to: number): void => {
  if (binding.terminal(STDIN)?.foreground === from) binding.setForeground(STDIN, to)
}

/** Our process group, as `kill` and the binding call it. */
const OWN_GROUP = 0

/** Keeps a command and the shell above us in step. */
export class Job {
  readonly #pid: number

  constructor(pid: number) {
    this.#pid = pid
  }

  /** Looks whether the command was stopped. If so, we stop as well, all of our job, until somebody continues us. */
  followStop = (): void => {
    if (binding.takeStop(this.#pid) === 0) return
    this.takeBack()
    // It is not the command that the shell watches, but us and those we share a pipeline with.
    process.kill(OWN_GROUP, 'SIGSTOP')
    // Here we are again.
    this.resume()
  }

  /** Somebody has continued us: in the foreground the command gets the terminal back; either way it goes on. */
  resume = (): void => {
    const own = binding.terminal(STDIN)?.group
    if (own !== undefined) moveForeground(own, this.#pid)
    try {
      process.kill(-this.#pid, 'SIGCONT')
    } catch {
      // It has ended.
    }
  }

  /** Brings our own group into the foreground, if the command's is there. */
  takeBack(): void {
    moveForeground(this.#pid, OWN_GROUP)
  }
}
