import { readdirSync, readFileSync } from 'node:fs'

/** The threads of this process by their kernel id, with their names. */
export const threads = (): Map<number, string> => {
  const found = new Map<number, string>()
  for (const tid of readdirSync('/proc/self/task')) {
    try {
      found.set(Number(tid), readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trimEnd())
    } catch {
      // It has ended between the two looks.
    }
  }
  return found
}
