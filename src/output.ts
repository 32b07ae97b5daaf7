import { buffer } from './builtins.ts'
import type { Readable } from 'node:stream'

import type { Child, ChildInternals } from './child.ts'
import type { Complaint } from './complaint.ts'
import { listenToOutput, openEnvironment } from './environment.ts'
import { errnoName, MaxBufferError } from './errors.ts'
import type { ExitStatus } from './exit-status.ts'
import { binding } from './native.ts'
import { describe } from './describe.ts'

/** What a process wrote, and how it ended. */
export interface Output<T = string> {
  /** How it ended. */
  readonly status: ExitStatus
  /** All of its stdout; empty where that is no pipe. */
  readonly stdout: T
  /** All of its stderr; empty where that is no pipe. */
  readonly stderr: T
  /** Whether the reading ended before the stream did: `drain` was over, or the process was stopped. */
  readonly truncated: boolean
}

/** How to gather output. */
export interface OutputOptions {
  /** `'buffer'` for Buffers, else strings. @default 'utf8' */
  encoding?: BufferEncoding | 'buffer'
  /** Bytes per stream; more kills the process. @default 64 MiB */
  maxBuffer?: number
  /**
   * Milliseconds to go on reading after the exit while somebody else, a grandchild, holds the pipe open. @default to the
   * end of the stream
   */
  drain?: number
}

/** What was gathered, before it is put together with the status. */
interface Gathered {
  readonly stdout: string | Buffer
  readonly stderr: string | Buffer
  readonly truncated: boolean
  /** The stream that went over the limit: 1, 2, or 0 for none. */
  readonly overflow: number
}

const MOST = 64 * 1024 * 1024

/** Options that were looked through. */
export type CheckedOutputOptions = Required<OutputOptions>

/**
 * Looks the options through.
 *
 * @throws what `complaint` makes, for the first one that is wrong.
 */
export const checkOutputOptions = (options: OutputOptions, complaint: Complaint): CheckedOutputOptions => {
  const encoding = options.encoding ?? 'utf8'
  const maxBuffer = options.maxBuffer ?? MOST
  const drain = options.drain ?? Infinity
  if (encoding !== 'buffer' && !Buffer.isEncoding(encoding)) {
    throw complaint.type('encoding', encoding, "'buffer' or an encoding of Buffer")
  }
  const check = (option: string, value: unknown, unit: string): void => {
    if (typeof value !== 'number') throw complaint.type(option, value, `a number of ${unit} of 0 or more`)
    if (!(value >= 0)) throw complaint.range(option, value, `a number of ${unit} of 0 or more`)
  }
  check('maxBuffer', maxBuffer, 'bytes')
  check('drain', drain, 'milliseconds')
  // To the end of the stream, as the native part has it.
  return { encoding, maxBuffer, drain: drain === Infinity ? -1 : drain }
}

/**
 * Gathers what a child writes, natively as long as nobody has read its streams.
 *
 * @param input - fed to stdin; without it, stdin is closed unless it was read.
 */
export const collectOutput = async (
  child: Child,
  internals: ChildInternals,
  checked: CheckedOutputOptions,
  input: NodeJS.ArrayBufferView | undefined,
): Promise<Output<string | Buffer>> => {
  const isRead = internals.stream(1) || internals.stream(2)
  const gathering = isRead ? gatherStreams(child, internals, checked) : gatherNatively(child, internals, checked, input)
  // Both are started before either is awaited: a rejection of the one must not go unseen while the other is waited for.
  const [status, gathered] = await Promise.all([child.wait(), gathering])
  const { stdout, stderr, truncated, overflow } = gathered
  if (overflow !== 0) {
    const name = overflow === 1 ? 'stdout' : 'stderr'
    const message = `${name} is more than maxBuffer, ${checked.maxBuffer} bytes: ${describe(child)}`
    throw new MaxBufferError(message, status, stdout, stderr)
  }
  return { status, stdout, stderr, truncated }
}

const gatherNatively = (
  child: Child,
  { id, stream }: ChildInternals,
  { encoding, maxBuffer, drain }: CheckedOutputOptions,
  input: NodeJS.ArrayBufferView | undefined,
): Promise<Gathered> =>
  new Promise((resolve, reject) => {
    const environment = openEnvironment()
    listenToOutput(id, (stdoutLength, stderrLength) => {
      try {
        const isText = encoding === 'utf8' || encoding === 'utf-8'
        const fits = Math.max(stdoutLength, stderrLength) <= buffer.constants.MAX_STRING_LENGTH
        if (isText && fits) return resolve(binding.takeText(environment, id)!)
        const { stdout, stderr, truncated, overflow } = binding.takeBytes(environment, id)!
        if (encoding === 'buffer') return resolve({ stdout, stderr, truncated, overflow })
        resolve({ stdout: stdout.toString(encoding), stderr: stderr.toString(encoding), truncated, overflow })
      } catch (error) {
        // A string longer than a string can be: ERR_STRING_TOO_LONG.
        reject(error as Error)
      }
    })
    // An empty input closes stdin; a stdin that was read is its reader's to close.
    const bytes =
      input === undefined ? new Uint8Array() : new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
    const errno = binding.capture(environment, id, stream(0) ? null : bytes, maxBuffer, drain)
    if (errno !== 0) {
      const code = errnoName(errno)
      reject(
        Object.assign(new Error(`the output of ${describe(child)} cannot be gathered: ${code}`), {
          code,
          errno: -errno,
        }),
      )
    }
  })

const killNow = (child: Child, withTree: boolean): void => {
  try {
    if (withTree) child.killTree('SIGKILL')
  } catch {
    // Its descendants cannot be found, or are not ours to signal. It can.
  }
  child.kill('SIGKILL')
}

/** Somebody has read `stdout` or `stderr`, so the bytes go by way of the streams. */
const gatherStreams = async (
  child: Child,
  { onEnd, isOver, options, stream }: ChildInternals,
  { encoding, maxBuffer, drain }: CheckedOutputOptions,
): Promise<Gathered> => {
  if (stream(0) === undefined) child.stdin?.end()
  let overflow = 0
  let truncated = false
  const gather = (readable: Readable | null, index: number): Promise<string | Buffer> =>
    new Promise((resolve) => {
      const chunks: Buffer[] = []
      let length = 0
      let timer: NodeJS.Timeout | undefined
      const finish = (): void => {
        clearTimeout(timer)
        const whole = Buffer.concat(chunks)
        resolve(encoding === 'buffer' ? whole : whole.toString(encoding))
      }
      if (readable === null || readable.destroyed || readable.readableEnded) return finish()
      readable.on('data', (chunk: Buffer | string) => {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk, readable.readableEncoding ?? 'utf8') : chunk
        if (overflow !== 0) return
        if (length + bytes.length > maxBuffer) {
          chunks.push(bytes.subarray(0, maxBuffer - length))
          overflow = index
          truncated = true
          killNow(child, options.killTree)
          readable.destroy()
          return
        }
        chunks.push(bytes)
        length += bytes.length
      })
      readable.once('close', finish).once('end', finish).once('error', finish)
      const startDrain = (): void => {
        if (drain < 0) return
        timer = setTimeout(() => {
          truncated = true
          readable.destroy()
        }, drain)
      }
      if (isOver) startDrain()
      else onEnd(startDrain)
    })
  const [stdout, stderr] = await Promise.all([gather(child.stdout, 1), gather(child.stderr, 2)])
  return { stdout, stderr, truncated, overflow }
}
