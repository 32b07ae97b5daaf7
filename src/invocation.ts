import type { Complaint } from './complaint.ts'
import type { SpawnOptions } from './options.ts'

/** What is to be executed: the program and its arguments from `argv[0]` on. */
export interface Invocation {
  readonly file: string
  readonly argv: readonly string[]
}

/**
 * Looks file, arguments, `argv0` and `shell` through.
 *
 * @throws {SpawnError} with step `options` for what is wrong.
 */
export const checkInvocation = (
  file: unknown,
  args: unknown,
  options: SpawnOptions | undefined,
  complaint: Complaint,
): Invocation => {
  if (typeof file !== 'string' || file === '') throw complaint.type('file', file, 'the name or path of a program')
  if (!Array.isArray(args)) throw complaint.type('args', args, 'an array of strings')
  for (let index = 0; index < args.length; index++) {
    if (typeof args[index] !== 'string') throw complaint.type(`args[${index}]`, args[index], 'a string')
  }
  const { argv0, shell } = options ?? {}
  if (argv0 !== undefined && argv0 !== null && typeof argv0 !== 'string') {
    throw complaint.type('argv0', argv0, 'a string')
  }
  if (shell === undefined || shell === null || shell === false)
    return { file, argv: args.length === 0 ? [argv0 ?? file] : [argv0 ?? file].concat(args as string[]) }
  if (shell !== true && (typeof shell !== 'string' || shell === '')) {
    throw complaint.type('shell', shell, 'a boolean, or the path of a shell')
  }
  const program = shell === true ? '/bin/sh' : shell
  return { file: program, argv: [argv0 ?? program, '-c', [file, ...(args as string[])].join(' ')] }
}
