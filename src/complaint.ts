import { SpawnError } from './errors.ts'
import { show } from './show.ts'

/** The errno that goes with a value that is wrong. */
const EINVAL = -22

const toText = (value: unknown): string => (typeof value === 'string' ? value : show(value))

/** Makes the errors for values that are wrong: each names the option, the value, and what is allowed. */
export class Complaint {
  readonly #make: (code: string, message: string) => Error

  constructor(make: (code: string, message: string) => Error) {
    this.#make = make
  }

  /** Something of the wrong type, or that is none of the allowed words. */
  type(option: string, value: unknown, allowed: string): Error {
    return this.#about(
      typeof value === 'string' ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE',
      option,
      value,
      allowed,
    )
  }

  /** Something of the right type that cannot be used. */
  value(option: string, value: unknown, allowed: string): Error {
    return this.#about('ERR_INVALID_ARG_VALUE', option, value, allowed)
  }

  /** A number that is too small, too large, or no integer. */
  range(option: string, value: unknown, allowed: string): Error {
    return this.#about('ERR_OUT_OF_RANGE', option, value, allowed)
  }

  #about(code: string, option: string, value: unknown, allowed: string): Error {
    return this.#make(code, `"${option}" must be ${allowed}; received ${show(value)}`)
  }
}

/** For what a process is to be started with: a {@link SpawnError} that knows for which program it was. */
export const spawnComplaint = (file: unknown, args: unknown): Complaint =>
  new Complaint(
    (code, message) =>
      new SpawnError(message, {
        code,
        errno: EINVAL,
        syscall: 'spawn',
        path: toText(file),
        spawnargs: Array.isArray(args) ? args.map(toText) : [],
        step: 'options',
      }),
  )

/** For what a process that is there already is asked for: a RangeError or a TypeError, as Node's own. */
export const callComplaint = new Complaint((code, message) =>
  Object.assign(code === 'ERR_OUT_OF_RANGE' ? new RangeError(message) : new TypeError(message), { code }),
)
