import { inspect } from 'node:util'

import { SpawnError } from './errors.ts'

/** The errno that goes with a value that is wrong. */
const EINVAL = -22

const show = (value: unknown): string => inspect(value, { depth: 0, maxStringLength: 64, breakLength: Infinity })

/**
 * Makes the errors for options that are wrong: each names the option, the value, and what is allowed, and knows for which
 * program it was.
 */
export class Complaint {
  readonly #file: unknown
  readonly #args: unknown

  constructor(file: unknown, args: unknown) {
    this.#file = file
    this.#args = args
  }

  /** Something of the wrong type, or that is none of the allowed words. */
  type(option: string, value: unknown, allowed: string): SpawnError {
    const isType = typeof value !== 'string'
    return this.#make(isType ? 'ERR_INVALID_ARG_TYPE' : 'ERR_INVALID_ARG_VALUE', option, value, allowed)
  }

  /** Something of the right type that cannot be used. */
  value(option: string, value: unknown, allowed: string): SpawnError {
    return this.#make('ERR_INVALID_ARG_VALUE', option, value, allowed)
  }

  /** A number that is too small, too large, or no integer. */
  range(option: string, value: unknown, allowed: string): SpawnError {
    return this.#make('ERR_OUT_OF_RANGE', option, value, allowed)
  }

  #make(code: string, option: string, value: unknown, allowed: string): SpawnError {
    return new SpawnError(`"${option}" must be ${allowed}; received ${show(value)}`, {
      code,
      errno: EINVAL,
      syscall: 'spawn',
      path: String(this.#file),
      spawnargs: Array.isArray(this.#args) ? this.#args.map(String) : [],
      step: 'options',
    })
  }
}
