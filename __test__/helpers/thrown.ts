import { SpawnError } from 'brood'

/** The SpawnError that a function throws; any other outcome is an error itself. */
export const spawnErrorOf = (act: () => unknown): SpawnError => {
  try {
    act()
  } catch (error) {
    if (error instanceof SpawnError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The error of a certain class that a promise rejects with; any other outcome is an error itself. */
export const rejectionOf = async <T extends Error>(
  promise: Promise<unknown>,
  errorClass: abstract new (...args: never[]) => T,
): Promise<T> => {
  try {
    await promise
  } catch (error) {
    if (error instanceof errorClass) return error
    throw error
  }
  throw new Error('nothing was rejected')
}
