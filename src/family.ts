import { constants } from 'node:os'

import { openEnvironment } from './environment.ts'
import { processError, ProcessError } from './errors.ts'
import { binding } from './native.ts'

/** Processes by pid and start time, two numbers each: so they are told from others that get the same pid. */
export type Identities = Float64Array

/** No process at all. */
export const NOBODY: Identities = new Float64Array()

/** Numbers in {@link Identities} for each process. */
const IDENTITY = 2

/** How many they are. */
export const countOf = (identities: Identities): number => identities.length / IDENTITY

/** Their pids. */
export const pidsOf = (identities: Identities): number[] =>
  Array.from({ length: countOf(identities) }, (_, index) => identities[index * IDENTITY]!)

/**
 * Signals a family, and whoever of `known` still runs with it. Answers who was signalled; with signal 0 they are only found.
 *
 * @throws {ProcessError} `EPERM` when none of them may be signalled.
 */
export type SignalFamily = (signal: number, known: Identities) => Identities

const orThrow = (answer: Identities | number, pid: number): Identities => {
  if (typeof answer === 'number') throw processError('kill', pid, answer)
  return answer
}

/** The family of a child of ours. Once it has ended, those are left who carry its mark. */
export const familyOfChild =
  (id: number, pid: number): SignalFamily =>
  (signal, known) =>
    orThrow(binding.killTree(openEnvironment(), id, known, signal), pid)

/**
 * The family of any process. It is looked up by its pid once; from then on it is that process which is meant, and not
 * another that is given the pid when it has ended. That nobody is left is no error then.
 *
 * @throws {ProcessError} `ESRCH` when there is no such process.
 */
export const familyOfProcess = (pid: number): SignalFamily => {
  let root: Identities | undefined
  return (signal, known) => {
    if (root === undefined) {
      const found = orThrow(binding.killFamily(pid, known, signal), pid)
      const at = pidsOf(found).indexOf(pid) * IDENTITY
      root = at < 0 ? NOBODY : found.slice(at, at + IDENTITY)
      return found
    }
    const answer = binding.killFamily(0, Float64Array.of(...root, ...known), signal)
    return answer === constants.errno.ESRCH ? NOBODY : orThrow(answer, pid)
  }
}

const SIGKILL = 9

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Milliseconds between two looks, at most. */
const LONGEST_PAUSE = 50

/**
 * Sends a family `signal`, and SIGKILL to those who are left after `grace` milliseconds. Resolves when all of them are gone,
 * also those that were born meanwhile: gone is who does not run any more, waited for or not. Who is not ours to signal is
 * not waited for.
 */
export const stopFamily = async (
  signalFamily: SignalFamily,
  { signal, grace }: { signal: number; grace: number },
): Promise<void> => {
  const end = performance.now() + grace
  let known = signalFamily(signal, NOBODY)
  let insists = signal === SIGKILL
  try {
    for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      known = orThrow(binding.stillRunning(known), 0)
      if (known.length === 0) {
        // Who was born after the last search has not been asked yet. A search costs more than a look at who is known.
        if (signalFamily(0, NOBODY).length === 0) return
        known = signalFamily(insists ? SIGKILL : signal, NOBODY)
      } else if (!insists && performance.now() >= end) {
        insists = true
        known = signalFamily(SIGKILL, known)
        pause = 1
      }
      await sleep(insists ? pause : Math.max(1, Math.min(pause, end - performance.now())))
    }
  } catch (error) {
    // Who is left has changed its credentials: nothing that is done here ends it.
    if (!(error instanceof ProcessError && error.code === 'EPERM')) throw error
  }
}
