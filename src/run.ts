import { childInternals } from './child.ts'
import { spawnComplaint, type Complaint } from './complaint.ts'
import { describe } from './describe.ts'
import { openEnvironment } from './environment.ts'
import { AbortError, ExitError, TimeoutError } from './errors.ts'
import { stopOnSignal, stopOnTimeout, stopSignalName, whenFamilyIsGone } from './limits.ts'
import { binding } from './native.ts'
import { checkIsObject, type SpawnOptions } from './options.ts'
import { checkOutputOptions, collectOutput, type Output, type OutputOptions } from './output.ts'
import { splitArguments, start } from './spawn.ts'

/** How to run a process and get its output. */
export interface RunOptions extends SpawnOptions, OutputOptions {
  /** Written to its stdin, which is then closed. @default nothing: its stdin is empty */
  input?: string | NodeJS.ArrayBufferView
  /** Whether a status that is no success rejects. @default true */
  check?: boolean
}

const toBytes = (input: unknown, complaint: Complaint): NodeJS.ArrayBufferView | undefined => {
  if (input === undefined || input === null) return undefined
  if (typeof input === 'string') return Buffer.from(input)
  if (ArrayBuffer.isView(input)) return input as NodeJS.ArrayBufferView
  throw complaint.type('input', input, 'a string, a Buffer, a typed array or a DataView')
}

/** What goes along in the message of an {@link ExitError}: the last of stderr, which is where programs say why. */
const lastWords = (stderr: string | Buffer): string => {
  const text = stderr.toString().trimEnd()
  return text === '' ? '' : `\n${text.length > 2000 ? `…${text.slice(-2000)}` : text}`
}

/** Without an input there is nothing to read, rather than a pipe that nobody writes to. */
const withStdin = (options: RunOptions, hasInput: boolean, complaint: Complaint): RunOptions => {
  const { stdin, stdio } = options
  const asked = stdin !== undefined ? stdin : Array.isArray(stdio) ? stdio[0] : stdio
  if (hasInput) {
    if (asked === undefined || asked === null || asked === 'pipe') return options
    throw complaint.value('stdin', asked, '\'pipe\' or absent together with "input"')
  }
  return asked === undefined || asked === null ? { ...options, stdin: 'ignore' } : options
}

/**
 * Starts a process, feeds it `input`, gathers what it writes and waits for its end. The output is gathered natively, off
 * the event loop.
 *
 * Rejects with a {@link SpawnError} when it cannot be started, an {@link ExitError} when its status is no success (unless
 * `check` is false), a {@link TimeoutError} or an {@link AbortError} when it was stopped for those, a
 * {@link MaxBufferError} when it wrote more than `maxBuffer`. Whichever it is, the process has ended; so have its
 * descendants, where it was stopped and `killTree` is set.
 */
export function run(
  file: string,
  args: readonly string[] | undefined,
  options: RunOptions & { encoding: 'buffer' },
): Promise<Output<Buffer>>
export function run(file: string, options: RunOptions & { encoding: 'buffer' }): Promise<Output<Buffer>>
export function run(file: string, args?: readonly string[], options?: RunOptions): Promise<Output>
export function run(file: string, options?: RunOptions): Promise<Output>
export async function run(
  file: string,
  argsOrOptions?: readonly string[] | RunOptions,
  maybeOptions?: RunOptions,
): Promise<Output<never>> {
  const { list: args, given } = splitArguments(argsOrOptions, maybeOptions)
  const options = given ?? {}
  const complaint = spawnComplaint(file, args)
  checkIsObject(options, complaint)
  const isChecked = options.check ?? true
  if (typeof isChecked !== 'boolean') throw complaint.type('check', isChecked, 'a boolean')
  const input = toBytes(options.input, complaint)
  const outputOptions = checkOutputOptions(options, complaint)

  const child = start(file, args, withStdin(options, input !== undefined, complaint))
  const internals = childInternals(child)
  const { id, options: checked } = internals
  let stoppedFor: 'timeout' | 'abort' | undefined
  const stopFor = (reason: 'timeout' | 'abort') => () => {
    stoppedFor ??= reason
    // What a grandchild goes on writing is of no interest any more, and may never end.
    binding.hurryCapture(openEnvironment(), id)
  }
  const collecting = collectOutput(child, internals, outputOptions, input)
  // Not only as long as the child runs: what it has left behind may hold its pipes for ever.
  const onOver = (listener: () => void): void => void collecting.then(listener, listener)
  stopOnTimeout(child, { onOver, onStop: stopFor('timeout') })
  stopOnSignal(child, { onOver, onStop: stopFor('abort') })

  const output = await collecting
  const { status, stdout, stderr } = output
  await whenFamilyIsGone(child)
  if (stoppedFor === 'timeout') {
    const message = `Not done after ${checked.timeout} ms, and stopped with ${stopSignalName(child)}: ${describe(child)}`
    throw new TimeoutError(message, status, stdout, stderr)
  }
  if (stoppedFor === 'abort') {
    throw new AbortError(
      `Aborted, and stopped with ${stopSignalName(child)}: ${describe(child)}`,
      checked.signal?.reason,
    )
  }
  if (isChecked && !status.success) {
    throw new ExitError(`Failed with ${status}: ${describe(child)}${lastWords(stderr)}`, status, stdout, stderr)
  }
  return output as Output<never>
}
