import type { Readable, Writable } from 'node:stream'
import { fs } from './builtins.ts'

/** What we use of Bun's own files. */
interface BunFile {
  stream(): ReadableStream<Uint8Array>
  writer(): {
    write(chunk: Uint8Array): number | Promise<number>
    flush(): number | Promise<number>
    end(): number | Promise<number>
    unref(): void
  }
}

type Done = (error?: Error | null) => void

/** No more than so many bytes of what was written before a `destroy()` still reach the child after it. */
const MOST_AT_ONCE = 65_536

/** Whether this is Bun. */
export const isBun = process.versions.bun !== undefined

const ignoreRejection = (): void => {}

/**
 * The stream for our end of a child's pipe under Bun, whose `net.Socket` takes the descriptor of a pipe and then never reads
 * from it (seen: 1.4). Its files wait for pipes as they should, and leave the descriptor to us.
 *
 * A stream for both directions cannot tell the child that we have written all: only closing it does.
 *
 * @param fd - a descriptor, which the stream owns from now on.
 */
export const openBunStream = (fd: number, isReadable: boolean, isWritable: boolean): Readable | Writable => {
  const { Duplex, Readable, Writable } = process.getBuiltinModule('node:stream')
  const file = (globalThis as unknown as { Bun: { file(fd: number): BunFile } }).Bun.file(fd)
  // Made with the first use: from then on they wait for the pipe, and hold the event loop open.
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let sink: ReturnType<BunFile['writer']> | undefined
  let owned = fd

  const read = async (): Promise<void> => {
    try {
      reader ??= file.stream().getReader()
      const { value } = await reader.read()
      const bytes = value === undefined ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      ;(stream as Readable).push(bytes)
    } catch (error) {
      stream.destroy(error as Error)
    }
  }
  const put = async (chunk: Buffer, done: Done): Promise<void> => {
    try {
      sink ??= file.writer()
      for (let start = 0; start < chunk.length && !stream.destroyed; start += MOST_AT_ONCE) {
        await sink.write(chunk.subarray(start, start + MOST_AT_ONCE))
        await sink.flush()
      }
      done()
    } catch (error) {
      done(error as Error)
    }
  }
  const finish = async (done: Done): Promise<void> => {
    try {
      await sink?.end()
      done()
    } catch (error) {
      done(error as Error)
    }
  }
  const close = async (error: Error | null, done: Done): Promise<void> => {
    const closing = owned
    owned = -1
    // What a child does not take holds nothing open, and ends with the child.
    sink?.unref()
    // Before the descriptor: its number may be somebody else's as soon as it is closed.
    await reader?.cancel().catch(ignoreRejection)
    fs.closeSync(closing)
    done(error)
  }

  const options = {
    read: () => void read(),
    write: (chunk: Buffer, _encoding: string, done: Done) => void put(chunk, done),
    final: (done: Done) => void finish(done),
    destroy: (error: Error | null, done: Done) => void close(error, done),
    allowHalfOpen: false,
  }
  const Stream = isReadable && isWritable ? Duplex : isReadable ? Readable : Writable
  const stream: Readable | Writable = new Stream(options)
  // As streams of files have it: so it can be handed to another child.
  return Object.defineProperty(stream, 'fd', { get: () => owned, enumerable: true })
}
