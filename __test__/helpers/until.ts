import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds that anything may take on a machine that is busy with other things: long, because it is never waited out. */
export const DEADLINE = 30_000

const BETWEEN_LOOKS = 5

/**
 * Looks again and again until `look` gives something truthy, and returns that.
 *
 * @param what - what is waited for, for the error when `deadline` milliseconds were not enough.
 */
export const until = async <T>(
  look: () => T | Promise<T>,
  what: string,
  deadline = DEADLINE,
): Promise<NonNullable<T>> => {
  const end = performance.now() + deadline
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (performance.now() > end) throw new Error(`not within ${deadline} ms: ${what}`)
    await sleep(BETWEEN_LOOKS)
  }
}

/** The promise's value; an error that says `what` if it is not settled within `deadline` milliseconds. */
export const within = async <T>(promise: Promise<T>, what: string, deadline = DEADLINE): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadline} ms: ${what}`)), deadline)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
