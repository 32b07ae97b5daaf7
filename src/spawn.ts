import { constants } from 'node:os'

import { type Child, makeChild } from './child.ts'
import { spawnComplaint } from './complaint.ts'
import { tryToOpenEnvironment } from './environment.ts'
import { AbortError, SPAWN_STEPS, spawnErrorFromErrno } from './errors.ts'
import { checkInvocation } from './invocation.ts'
import { binding } from './native.ts'
import { checkOptions, type CheckedOptions, type SpawnOptions } from './options.ts'
import { packRequest } from './request.ts'
import { stopOnSignal, stopOnTimeout } from './limits.ts'

/** A string with a NUL, if there is one: the decoder has seen one too many. */
const findNul = (
  file: string,
  args: readonly string[],
  { argv0, shell }: SpawnOptions,
  { cwd, env }: CheckedOptions,
): [option: string, value: string] | undefined => {
  const strings: [string, string][] = [
    ['file', file],
    ...args.map((arg, index): [string, string] => [`args[${index}]`, arg]),
  ]
  if (typeof argv0 === 'string') strings.push(['argv0', argv0])
  if (typeof shell === 'string') strings.push(['shell', shell])
  if (cwd !== undefined) strings.push(['cwd', cwd])
  // Inherited names count here, too.
  for (const name in env) strings.push(['env', name], [`env.${name}`, env[name] ?? ''])
  return strings.find(([, value]) => value.includes('\0'))
}

/**
 * Splits what may be `(file, args, options)` or `(file, options)`.
 */
export const splitArguments = <T extends SpawnOptions>(
  args: readonly string[] | T | undefined,
  options: T | undefined,
): { list: readonly string[]; given: T | undefined } => {
  if (Array.isArray(args)) return { list: args as string[], given: options }
  if (args === undefined || args === null) return { list: NO_ARGUMENTS, given: options }
  if (typeof args === 'object' && options === undefined) return { list: NO_ARGUMENTS, given: args as T }
  return { list: args as readonly string[], given: options }
}

const NO_ARGUMENTS: readonly string[] = []

/** There is no driver, so there can be no child. It needs descriptors (an epoll, two event counters), then a thread. */
const driverFailure = (errno: number) => ({
  step: SPAWN_STEPS.indexOf('setup'),
  errno,
  syscall: errno === constants.errno.EAGAIN ? 'pthread_create' : 'epoll_create1',
})

/** Looks everything through and starts the process. */
export const start = (file: string, args: readonly string[], options: SpawnOptions | undefined): Child => {
  const complaint = spawnComplaint(file, args)
  const checked = checkOptions(options, complaint)
  const invocation = checkInvocation(file, args, options, complaint)
  if (checked.signal?.aborted)
    throw new AbortError(`${invocation.file} was not started: aborted`, checked.signal.reason)
  const { bytes, words, length } = packRequest(invocation, checked)
  const environment = tryToOpenEnvironment()
  const failure = environment < 0 ? driverFailure(-environment) : binding.spawn(environment, bytes, length)
  if (failure !== null) {
    if (failure.step === 0) {
      const [option, value] = findNul(file, args, options ?? {}, checked) ?? ['options', options]
      throw complaint.value(option, value, 'free of NUL bytes (\\0)')
    }
    throw spawnErrorFromErrno(invocation.file, invocation.argv.slice(1), failure)
  }
  const child = makeChild({ id: words[0]! + words[1]! * 2 ** 32, pid: words[2]!, invocation, options: checked })
  for (let index = 0; index < checked.descriptors.length; index++) checked.descriptors[index]!.moved?.destroy()
  return child
}

/**
 * Starts a process and returns at once: the event loop goes on while the kernel executes the program, however much memory
 * this process holds.
 *
 * @param file - the program's path, or its name in the `PATH` of the child's environment.
 * @param args - its arguments.
 * @throws {SpawnError} for what can be known at once: a missing program or working directory, missing permissions, a NUL
 * in a string, options that are wrong, no room for a pipe or a process. What only exec can tell (`ENOEXEC`, `E2BIG`, …)
 * rejects {@link Child.spawned} and {@link Child.wait}.
 * @throws {AbortError} when `signal` was aborted beforehand.
 * @see {@link https://man7.org/linux/man-pages/man2/clone.2.html | clone(2)}
 */
export function spawn(file: string, args?: readonly string[], options?: SpawnOptions): Child
export function spawn(file: string, options?: SpawnOptions): Child
export function spawn(file: string, args?: readonly string[] | SpawnOptions, options?: SpawnOptions): Child {
  const { list, given } = splitArguments(args, options)
  const child = start(file, list, given)
  if (given != null) {
    if (given.timeout != null) stopOnTimeout(child)
    if (given.signal != null) stopOnSignal(child)
  }
  return child
}
