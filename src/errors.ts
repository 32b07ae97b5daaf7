import { constants } from 'node:os'

import { util } from './builtins.ts'
import type { ExitStatus } from './exit-status.ts'

/** The part of a spawn that failed. */
export type SpawnStep = 'options' | 'pipe' | 'clone' | 'setup' | 'chdir' | 'exec'

/** The steps by the numbers that the binding has for them. */
export const SPAWN_STEPS = ['options', 'pipe', 'clone', 'setup', 'chdir', 'exec'] as const

/** Sets a name that does not show among an error's own properties, as with Node's own errors. */
const named = (errorClass: { prototype: Error; name: string }): void => {
  Object.defineProperty(errorClass.prototype, 'name', { value: errorClass.name, writable: true, configurable: true })
}

const namesByErrno = new Map<number, string>()
for (const [name, number] of Object.entries(constants.errno)) {
  // EWOULDBLOCK and EAGAIN share a number, as others do: the one that man pages use first comes first.
  if (!namesByErrno.has(number)) namesByErrno.set(number, name)
}

/** `ENOENT` for 2. */
export const errnoName = (errno: number): string =>
  util.getSystemErrorMap().get(-errno)?.[0] ?? namesByErrno.get(errno) ?? `errno ${errno}`

/** `no such file or directory` for 2. */
const errnoDescription = (errno: number): string => {
  if (errno === constants.errno.ENOEXEC) return 'exec format error'
  return util.getSystemErrorMap().get(-errno)?.[1] ?? errnoName(errno)
}

/** What to do about an error, where there is something to say beyond what the error says itself. */
const advice = (step: SpawnStep, code: string, path: string): string => {
  if (step === 'chdir') return `the working directory "${path}" (option "cwd") cannot be entered`
  switch (code) {
    case 'ENOENT':
      return path.includes('/')
        ? 'check the path, and the interpreter named in the first line if it is a script'
        : "check that it is installed, and in the PATH of the child's environment"
    case 'EACCES':
      return 'check that it is a file with execute permission (chmod +x)'
    case 'ENOEXEC':
      return 'a script needs a first line with its interpreter (#!/bin/sh), a program the right architecture'
    case 'E2BIG':
      return 'the arguments and the environment together are too large; pass the data by stdin or by a file'
    case 'EMFILE':
    case 'ENFILE':
      return 'there is no file descriptor left; close some, or raise the limit (ulimit -n)'
    case 'EAGAIN':
      return 'there are too many processes; wait for some to end, or raise the limit (ulimit -u, pids.max)'
    case 'EBADF':
      return 'a descriptor in "stdio" is not open'
    default:
      return ''
  }
}

/**
 * A process could not be started, and none was: not even half of one is left.
 *
 * Thrown by {@link spawn} for what is known at once; what only exec can tell rejects `spawned` and `wait()`.
 */
export class SpawnError extends Error {
  /** As Node's: `ENOENT`, `EMFILE`, `ERR_INVALID_ARG_TYPE`, … */
  code: string
  /** The error number, negative as in Node's own errors. */
  errno: number
  /** `spawn FILE` where exec is the matter, as Node says it; else the system call. */
  syscall: string
  /** The working directory for step `chdir`, else the program. */
  path: string
  /** The arguments, without the program. */
  spawnargs: string[]
  /** What failed. */
  step: SpawnStep

  /** @internal */
  constructor(
    message: string,
    fields: { code: string; errno: number; syscall: string; path: string; spawnargs: string[]; step: SpawnStep },
  ) {
    super(message)
    this.code = fields.code
    this.errno = fields.errno
    this.syscall = fields.syscall
    this.path = fields.path
    this.spawnargs = fields.spawnargs
    this.step = fields.step
  }
}
named(SpawnError)

/** Makes the error for something that the kernel refused. */
export const spawnErrorFromErrno = (
  file: string,
  args: readonly string[],
  failure: { step: number; errno: number; syscall?: string; path?: string },
): SpawnError => {
  const step = SPAWN_STEPS[failure.step] ?? 'setup'
  const code = errnoName(failure.errno)
  const path = step === 'chdir' ? (failure.path ?? '') : file
  const syscall = step === 'exec' || failure.syscall === undefined ? `spawn ${file}` : failure.syscall
  const what = step === 'exec' ? `spawn ${file}` : `spawn ${file}: ${failure.syscall ?? step}`
  const hint = advice(step, code, path)
  const message = `${what} ${code}: ${errnoDescription(failure.errno)}${hint && `; ${hint}`}`
  return new SpawnError(message, { code, errno: -failure.errno, syscall, path, spawnargs: [...args], step })
}

/** A process did not succeed: its exit code was not 0, or a signal ended it. */
export class ExitError extends Error {
  /** How it ended. */
  status: ExitStatus
  /** What it wrote to stdout; empty where that is not a pipe. */
  stdout: string | Buffer
  /** What it wrote to stderr; empty where that is not a pipe. */
  stderr: string | Buffer

  /** @internal */
  constructor(message: string, status: ExitStatus, stdout: string | Buffer, stderr: string | Buffer) {
    super(message)
    this.status = status
    this.stdout = stdout
    this.stderr = stderr
  }
}
named(ExitError)

/** A process wrote more than `maxBuffer` bytes to a stream, and was killed. `stdout` and `stderr` hold what fits. */
export class MaxBufferError extends ExitError {
  readonly code = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'
}
named(MaxBufferError)

/** A process was stopped because its `timeout` was over. */
export class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT'
  /** How it ended. */
  status: ExitStatus
  /** What it had written to stdout. */
  stdout: string | Buffer
  /** What it had written to stderr. */
  stderr: string | Buffer

  /** @internal */
  constructor(message: string, status: ExitStatus, stdout: string | Buffer, stderr: string | Buffer) {
    super(message)
    this.status = status
    this.stdout = stdout
    this.stderr = stderr
  }
}
named(TimeoutError)

/** A process was stopped, or not even started, because its `signal` was aborted. `cause` is the signal's reason. */
export class AbortError extends Error {
  readonly code = 'ABORT_ERR'

  /** @internal */
  constructor(message: string, reason: unknown) {
    super(message, { cause: reason })
  }
}
named(AbortError)

/** A process is not there, or is not ours to signal. */
export class ProcessError extends Error {
  /** `ESRCH`, `EPERM`; `ENOENT` where `/proc` is not mounted; `EMFILE` when there is no descriptor left. */
  code: string
  /** The error number, negative as in Node's own errors. */
  errno: number
  /** What was being done. */
  syscall: string
  /** Which process was meant. */
  pid: number

  /** @internal */
  constructor(message: string, fields: { code: string; errno: number; syscall: string; pid: number }) {
    super(message)
    this.code = fields.code
    this.errno = fields.errno
    this.syscall = fields.syscall
    this.pid = fields.pid
  }
}
named(ProcessError)

const processAdvice: Record<string, string> = {
  ESRCH: 'there is no process with this id, or it has ended',
  EPERM: 'it belongs to somebody else, or it is this process itself or init',
  ENOENT: '/proc is not mounted',
  ENOSYS: 'this system does not tell',
  EMFILE: 'there is no file descriptor left; close some, or raise the limit (ulimit -n)',
}

/** Makes the error for a process by its pid. */
export const processError = (syscall: string, pid: number, errno: number): ProcessError => {
  const code = errnoName(errno)
  const message = `${syscall} ${pid} ${code}: ${processAdvice[code] ?? errnoDescription(errno)}`
  return new ProcessError(message, { code, errno: -errno, syscall, pid })
}

/** A child cannot be waited for: its handle was given up, or somebody else has taken its status. */
export class WaitError extends Error {
  /** `ERR_CHILD_ORPHANED` after `orphan()` or dispose; `ECHILD` when somebody else has waited for it. */
  code: string
  /** The pid it had. */
  pid: number

  /** @internal */
  constructor(message: string, code: string, pid: number) {
    super(message)
    this.code = code
    this.pid = pid
  }
}
named(WaitError)
