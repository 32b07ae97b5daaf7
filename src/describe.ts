import type { Child } from './child.ts'

/** What fits on a line of an error message. */
const MOST = 200

/** A child's command for people to read, shortened where it is long. */
export const describe = ({ spawnfile, spawnargs }: Child): string => {
  const words = [spawnfile, ...spawnargs.slice(1)]
  const line = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')
  return line.length > MOST ? `${line.slice(0, MOST - 1)}…` : line
}
