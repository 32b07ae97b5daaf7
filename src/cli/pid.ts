import { checkPid } from '../process-tree.ts'

/** A pid as it was typed. @throws {Error} that says what is wrong with it. */
export const parsePid = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is no process id: that is a number, such as 4242`)
  return checkPid(Number(text))
}
