import { constants } from 'node:os'

import { adoptOrphans, type Adoption } from '../../adopt.ts'
import type { Child } from '../../child.ts'
import { errnoName, SpawnError } from '../../errors.ts'
import type { ExitStatus } from '../../exit-status.ts'
import { binding } from '../../native.ts'
import type { SupervisorOptions } from '../../options.ts'
import { signalName, signalNumber } from '../../signals.ts'
import { spawn } from '../../spawn.ts'
import { onForwardable } from './forward.ts'
import { reapLast, stopLeftovers, type Leftovers } from './leftovers.ts'
import type { RunCommand } from './options.ts'
import { Job, planTerminal } from './terminal.ts'
import { say } from './say.ts'

/** Exit codes of our own, as `env` and `timeout` have them. */
export const EXIT = { timedOut: 124, failed: 125, notExecutable: 126, notFound: 127, signal: 128 } as const

const { SIGCONT, SIGINT, SIGKILL, SIGTERM } = constants.signals

/** How it went. */
export interface Outcome {
  readonly exitCode: number
  /** `undefined` when there was no command. */
  readonly status?: ExitStatus
  readonly pid?: number
  readonly timedOut: boolean
  readonly orphansReaped: number
  readonly leftovers: Leftovers
}

/** Begins to adopt; tells when nobody will reap. */
const adopt = (): Adoption | undefined => {
  try {
    // Here every child is brood's own or a stranger: nobody needs time.
    return adoptOrphans({ grace: 0 })
  } catch (error) {
    say(
      `brood run: warning: orphans of the command will not be reaped here, and stay zombies: ${(error as Error).message}`,
    )
    return undefined
  }
}

const exitCodeOf = (status: ExitStatus): number =>
  status.signal === null ? status.code! : EXIT.signal + (signalNumber(status.signal) ?? 0)

const exitCodeOfError = (error: SpawnError): number => {
  if (error.step !== 'exec') return EXIT.failed
  return error.code === 'ENOENT' || error.code === 'ENOTDIR' ? EXIT.notFound : EXIT.notExecutable
}

/** One command, from its start to its end and that of all it leaves behind. */
class Supervisor {
  readonly #command: RunCommand
  #child: Child | undefined
  #job: Job | undefined
  /** Signals that came before there was anybody to send them to. */
  #early: number[] = []
  /** Whether an end was asked for by us: the time is over, or the command has ended. One more request is one too many. */
  #isStopping = false
  #isHurried = false
  #timedOut = false

  constructor(command: RunCommand) {
    this.#command = command
  }

  /** What is done about a signal that we were sent. */
  onSignal = (number: number): void => {
    if (this.#isStopping && (number === SIGINT || number === SIGTERM)) {
      this.#isHurried = true
      this.#send(SIGKILL)
      return
    }
    const mapped = this.#command.signalMap.get(number) ?? number
    if (mapped === 0) return
    if (this.#child === undefined) {
      this.#early.push(mapped)
      return
    }
    // The terminal has to be the command's again before it goes on.
    if (mapped === SIGCONT && this.#job !== undefined) this.#job.resume()
    else this.#send(mapped)
  }

  /** Sends a signal to the command, or to its group, as long as it is there. */
  #send(number: number): void {
    const child = this.#child
    // The question comes first also for a group, so that none that has the number by chance is meant.
    if (child === undefined || !child.kill(0)) return
    try {
      if (this.#command.group) process.kill(-child.pid, number)
      else child.kill(number)
    } catch (error) {
      say(`brood run: cannot send ${signalName(number)} to ${child.pid}: ${(error as Error).message}`)
    }
  }

  /** Sees to it that the command ends in time. */
  #limitTime(): () => void {
    const { timeout, grace } = this.#command
    if (timeout === undefined) return () => {}
    let timer = setTimeout(() => {
      if (this.#child?.kill(0) !== true) return
      this.#timedOut = true
      this.#isStopping = true
      this.#send(SIGTERM)
      // One that is stopped would not see it.
      this.#send(SIGCONT)
      timer = setTimeout(() => this.#send(SIGKILL), grace)
    }, timeout)
    return () => clearTimeout(timer)
  }

  #start(): Child {
    const { file, args, parentDeath } = this.#command
    const { options, isJob } = planTerminal()
    const all: SupervisorOptions = { stdio: 'inherit', ...options }
    // Should we be killed with our parent, and not get round to passing that on, the kernel does.
    if (parentDeath !== undefined) all.parentDeathSignal = signalName(parentDeath)
    const child = spawn(file, args, all)
    this.#child = child
    if (isJob) {
      this.#job = new Job(child.pid)
      process.on('SIGCHLD', this.#job.followStop)
    }
    for (const number of this.#early.splice(0)) this.#send(number)
    return child
  }

  /** Runs the command to its end. */
  async #run(): Promise<{ exitCode: number; status?: ExitStatus; pid?: number }> {
    try {
      const child = this.#start()
      const stopLimit = this.#limitTime()
      const status = await child.wait()
      stopLimit()
      const exitCode = exitCodeOf(status)
      const told = this.#command.expected.has(exitCode) ? 0 : exitCode
      return { exitCode: this.#timedOut ? EXIT.timedOut : told, status, pid: child.pid }
    } catch (error) {
      say(`brood run: ${(error as Error).message}`)
      return { exitCode: error instanceof SpawnError ? exitCodeOfError(error) : EXIT.failed }
    } finally {
      this.#isStopping = true
      if (this.#job !== undefined) {
        process.off('SIGCHLD', this.#job.followStop)
        this.#job.takeBack()
      }
    }
  }

  /** Runs the command and cleans up behind it. */
  async supervise(): Promise<Outcome> {
    const { leaveOrphans, grace } = this.#command
    onForwardable(this.onSignal)
    const adoption = adopt()
    const ended = await this.#run()
    const nothing: Leftovers = { terminated: 0, killed: 0 }
    const leftovers = leaveOrphans ? nothing : await stopLeftovers(grace, () => this.#isHurried)
    await reapLast()
    const orphansReaped = adoption?.adopted ?? 0
    adoption?.[Symbol.dispose]()
    return { ...ended, timedOut: this.#timedOut, orphansReaped, leftovers }
  }
}

/** Has us sent a signal when our parent dies. `false` when it has died already. */
const dieWithParent = (signal: number, parent: number): boolean => {
  // PID 1 has no parent, or one outside of what it can see, whose death cannot be told from a life.
  if (parent === 0) return true
  const errno = binding.dieWithParent(parent, signal)
  if (errno === 0) return true
  if (errno === constants.errno.ESRCH) return false
  throw new Error(`cannot ask for a signal at the death of the parent: prctl PR_SET_PDEATHSIG ${errnoName(errno)}`)
}

/**
 * Runs one command in our place, and returns when it and all that it has left behind are gone.
 *
 * @throws {Error} when what was asked for cannot be had here.
 */
export const supervise = async (command: RunCommand): Promise<Outcome> => {
  const parent = process.ppid
  if (command.parentDeath !== undefined && !dieWithParent(command.parentDeath, parent)) {
    throw new Error('the parent has died already')
  }
  return new Supervisor(command).supervise()
}
