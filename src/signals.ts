import { constants } from 'node:os'

import { show } from './show.ts'

/** The name of a signal, as Node has them. */
export type Signal = NodeJS.Signals

const numbersByName = new Map<string, number>(Object.entries(constants.signals))
const namesByNumber = new Map<number, string>()
for (const [name, number] of numbersByName) {
  // SIGABRT and SIGIOT share a number, as others do: the first one is the usual one.
  if (!namesByNumber.has(number)) namesByNumber.set(number, name)
}

/** The first real-time signal that the C library leaves to programs; Node has no names for those. */
const FIRST_REAL_TIME = 34
const LAST = 64
if (process.platform === 'linux') {
  for (let number = FIRST_REAL_TIME; number <= LAST; number++) {
    const name = number === FIRST_REAL_TIME ? 'SIGRTMIN' : `SIGRTMIN+${number - FIRST_REAL_TIME}`
    numbersByName.set(name, number)
    namesByNumber.set(number, name)
  }
}

/** `SIGTERM` for 15. A signal without a name, which no program should meet, is called by its number. */
export const signalName = (number: number): Signal => (namesByNumber.get(number) ?? `SIG${number}`) as Signal

/** Why a value is no signal; names the value, and what would be one. */
export const notASignal = (value: unknown): string => {
  if (typeof value === 'string' && numbersByName.has(value.toUpperCase())) {
    return `please rename it to '${value.toUpperCase()}'`
  }
  return `expected the name of a signal such as 'SIGTERM'`
}

/** The number of a signal by its name, or `undefined` for what is none. */
export const signalNumber = (signal: unknown): number | undefined =>
  typeof signal === 'string' ? numbersByName.get(signal) : undefined

/**
 * The number of a signal by its name or number.
 *
 * @throws {TypeError} with `code` `ERR_UNKNOWN_SIGNAL` for what is neither.
 */
export const toSignalNumber = (signal: unknown, name = 'signal'): number => {
  const number = typeof signal === 'number' ? signal : signalNumber(signal)
  if (number !== undefined && Number.isInteger(number) && number >= 0 && number <= LAST) return number
  const error = new TypeError(
    `Unknown "${name}": ${show(signal)}; ${notASignal(signal)}, or a number from 0 to ${LAST}`,
  )
  throw Object.assign(error, { code: 'ERR_UNKNOWN_SIGNAL' })
}
