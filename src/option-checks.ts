import { fileURLToPath } from 'node:url'

import type { Complaint } from './complaint.ts'
import { toSignalNumber } from './signals.ts'

// Each looks one kind of option through, and names the option, the value and what is allowed when it throws. They are for
// options that are there: most are absent in every spawn, and must cost nothing.

/** One more would be 2^32 - 1, which means "leave as it is". */
export const HIGHEST_ID = 0xffff_fffe
/** setTimeout takes no more, and takes more for 1. */
export const LONGEST_TIME = 0x7fff_ffff

/** What a child can be limited in; `setrlimit(2)` tells what each is about. */
export type Resource = 'as' | 'core' | 'cpu' | 'data' | 'fsize' | 'memlock' | 'nofile' | 'nproc' | 'stack'

/** `RLIMIT_…`, by system: the names are the same everywhere, the numbers are not. */
const RESOURCES: Record<Resource, number> =
  process.platform === 'linux'
    ? { cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, nproc: 6, nofile: 7, memlock: 8, as: 9 }
    : process.platform === 'freebsd'
      ? { cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, memlock: 6, nproc: 7, nofile: 8, as: 10 }
      : { cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, as: 5, memlock: 6, nproc: 7, nofile: 8 }

const isInteger = (value: unknown, highest: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= highest

export const checkBoolean = (complaint: Complaint, name: string, value: unknown): boolean => {
  if (typeof value === 'boolean') return value
  throw complaint.type(name, value, 'a boolean')
}

export const checkInteger = (complaint: Complaint, name: string, value: unknown, highest: number): number => {
  if (isInteger(value, highest)) return value
  const allowed = `an integer from 0 to ${highest}`
  throw typeof value === 'number' ? complaint.range(name, value, allowed) : complaint.type(name, value, allowed)
}

export const checkSignal = (complaint: Complaint, name: string, value: unknown): number => {
  if (typeof value === 'string') {
    try {
      return toSignalNumber(value, name)
    } catch (error) {
      throw complaint.value(name, value, `the name of a signal such as 'SIGTERM' (${(error as Error).message})`)
    }
  }
  throw complaint.type(name, value, "the name of a signal such as 'SIGTERM'")
}

export const checkMilliseconds = (complaint: Complaint, name: string, value: unknown): number => {
  const allowed = `a number of milliseconds from 0 to ${LONGEST_TIME}`
  if (typeof value !== 'number') throw complaint.type(name, value, allowed)
  // Infinity is a way to say never, as 0 is.
  if (value === Infinity) return 0
  if (value >= 0 && value <= LONGEST_TIME) return value
  throw complaint.range(name, value, allowed)
}

export const checkCwd = (complaint: Complaint, value: unknown): string => {
  if (typeof value === 'string') {
    if (value !== '') return value
  } else if (value instanceof URL && value.protocol === 'file:') {
    try {
      return fileURLToPath(value)
    } catch {
      throw complaint.value('cwd', value.href, 'a path, or a file: URL of a path on this machine')
    }
  }
  throw complaint.type('cwd', value, 'a path, or a file: URL')
}

export const checkEnvironment = (complaint: Complaint, value: unknown): Record<string, string | undefined> => {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw complaint.type('env', value, 'an object of strings')
  }
  // Inherited names count, as with Node: Object.create(process.env) is an environment.
  for (const name in value) {
    const text = (value as Record<string, unknown>)[name]
    if (text !== undefined && typeof text !== 'string') {
      throw complaint.type(`env.${name}`, text, 'a string, or undefined to leave it out')
    }
    if (name === '' || name.includes('=')) {
      throw complaint.value('env', name, 'an object whose names are not empty and hold no "="')
    }
  }
  return value as Record<string, string | undefined>
}

export const checkProcessGroup = (complaint: Complaint, value: unknown, detached: boolean): number | undefined => {
  if (value === false) return undefined
  const group = value === true ? 0 : value
  if (!isInteger(group, 0x7fff_ffff)) {
    const allowed = 'a boolean, or the number of a process group'
    throw typeof group === 'number'
      ? complaint.range('processGroup', value, allowed)
      : complaint.type('processGroup', value, allowed)
  }
  if (!detached) return group
  // setsid has made it the leader of a new group already; another one is in another session.
  if (group === 0) return undefined
  throw complaint.value('processGroup', value, 'true, 0 or absent together with "detached"')
}

export const checkGroups = (complaint: Complaint, value: unknown): readonly number[] => {
  if (Array.isArray(value) && value.length <= 65_536 && value.every((group) => isInteger(group, HIGHEST_ID))) {
    return value as number[]
  }
  throw complaint.type('groups', value, `an array of integers from 0 to ${HIGHEST_ID}`)
}

export const checkLimits = (
  complaint: Complaint,
  value: unknown,
): (readonly [resource: number, soft: number, hard: number])[] => {
  const names = Object.keys(RESOURCES).join(', ')
  if (typeof value !== 'object') throw complaint.type('rlimits', value, `an object with the names ${names}`)
  return Object.entries(value as Record<string, unknown>)
    .filter(([, limit]) => limit !== undefined)
    .map(([name, limit]) => {
      if (!Object.hasOwn(RESOURCES, name)) {
        throw complaint.value('rlimits', name, `an object with the names ${names}`)
      }
      const { soft, hard } =
        typeof limit === 'object' && limit !== null
          ? (limit as { soft: unknown; hard: unknown })
          : { soft: limit, hard: limit }
      for (const number of [soft, hard]) {
        if (number !== Infinity && !isInteger(number, Number.MAX_SAFE_INTEGER)) {
          const allowed = 'an integer of 0 or more, Infinity, or { soft, hard } of those'
          throw typeof number === 'number'
            ? complaint.range(`rlimits.${name}`, limit, allowed)
            : complaint.type(`rlimits.${name}`, limit, allowed)
        }
      }
      if ((soft as number) > (hard as number)) {
        throw complaint.range(`rlimits.${name}`, limit, 'a soft limit that is no higher than the hard one')
      }
      return [RESOURCES[name as Resource], soft as number, hard as number] as const
    })
}

export const checkAbortSignal = (complaint: Complaint, value: unknown): AbortSignal => {
  // By its shape, because a signal may come from another realm.
  const signal = value as Partial<AbortSignal>
  if (
    typeof value === 'object' &&
    typeof signal.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function'
  ) {
    return value as AbortSignal
  }
  throw complaint.type('signal', value, 'an AbortSignal')
}
