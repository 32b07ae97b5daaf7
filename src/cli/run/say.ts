import { fs } from '../../builtins.ts'

/**
 * Writes a line to stderr. Not through Node's stream, which would change the mode of a terminal or pipe that the command
 * shares with us.
 */
export const say = (line: string): void => {
  try {
    fs.writeSync(2, `${line}\n`)
  } catch {
    // Nobody reads it any more, or it is full and nobody waits: no reason to fail for.
  }
}
