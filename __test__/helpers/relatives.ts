import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { capabilities } from 'brood'

import { until } from './until.ts'
import { isAlive, processEntry } from './zombies.ts'

const NAME = 'BROOD_TEST_RELATIVES'

/** Processes that are known by a variable in their environment, wherever they went and whoever is their parent. */
export class Relatives {
  readonly #value = randomUUID()

  /** What is to be in the environment of the first of them. */
  get env(): Record<string, string | undefined> {
    return { ...process.env, [NAME]: this.#value }
  }

  /** Those that live. */
  living(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 1 && isAlive(pid) && this.#includes(pid))
  }

  #includes(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${NAME}=${this.#value}`)
    } catch {
      return false
    }
  }

  /** Waits until so many of them live. */
  async reach(count: number, what = `${count} relatives live`): Promise<number[]> {
    return until(() => {
      const living = this.living()
      return living.length >= count ? living : undefined
    }, what)
  }

  /** Waits until none of them lives. */
  async end(within = 1000): Promise<void> {
    await until(() => this.living().length === 0, 'none of them lives', within)
  }

  /** Kills those that are left when the test is over. */
  killAtEnd(t: ExecutionContext): this {
    t.teardown(() => {
      for (const pid of this.living()) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended meanwhile.
        }
      }
    })
    return this
  }
}

/** A family that is gone when the test is over, whatever the test has found. */
export const relatives = (t: ExecutionContext): Relatives => new Relatives().killAtEnd(t)

/** A shell command that makes a daemon, by a double fork and with nothing of its parents' left but what is inherited. */
export const DAEMON = '(setsid sh -c "sleep 1000 & exec sleep 1000" </dev/null >/dev/null 2>&1 &)'

/** Whether a process is stopped by a signal. */
export const isStopped = (pid: number): boolean => processEntry(pid)?.state === 'T'

/** Why descendants that left everything behind cannot be found; `undefined` where they can. */
export const noMarks = (): string | undefined =>
  capabilities().spawn === 'posix_spawn' ? 'posix_spawn(3) gives its children no mark' : undefined
