import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

import { fs } from './builtins.ts'
import { isBun, openBunStream } from './bun-streams.ts'
import { binding } from './native.ts'

/** Loaded with the first stream, which many programs never make: they take longer to load than all of brood. */
const net = (): typeof import('node:net') => process.getBuiltinModule('node:net')
const streams = (): typeof import('node:stream') => process.getBuiltinModule('node:stream')

/** Our ends of children's pipes, with their descriptors as long as they are open. */
const ours = new WeakMap<object, Socket>()

/** Streams of children that had ended without leaving anything in the pipe. */
const empty = new WeakSet<object>()

/** Whether a stream has no descriptor because its child has ended, and left nothing to be read. */
export const isEmpty = (value: object): boolean => empty.has(value)

/** The descriptor of whatever may have one: `{ fd }`, a file or terminal stream, a socket; whether a child's pipe is ours. */
export const descriptorOf = (value: object): { fd: number | undefined; isOurs: boolean } => {
  const holder = value as { fd?: unknown; _handle?: { fd?: unknown } | null }
  // Node's sockets keep it at their handle alone; it is -1 once they are closed.
  const fd = typeof holder.fd === 'number' ? holder.fd : holder._handle?.fd
  const isDescriptor = typeof fd === 'number' && Number.isInteger(fd) && fd >= 0
  return { fd: isDescriptor ? fd : undefined, isOurs: ours.has(value) }
}

/** Nobody need listen for a child that does not want to know more. */
const swallow = (): void => {}

const brokenPipe = (): Error =>
  Object.assign(new Error('write EPIPE: the child has ended'), { code: 'EPIPE', errno: -32, syscall: 'write' })

/**
 * Makes the stream for our end of a child's pipe.
 *
 * @param claimed - a descriptor, which the stream owns from now on; or what was left in the pipe of a child that is gone;
 * or nothing, when there was nothing left.
 * @param index - the child's descriptor: 0 is written to, 1 and 2 are read, those above are both.
 */
export const openStream = (claimed: number | Buffer | null, index: number): Readable | Writable => {
  if (typeof claimed === 'number') {
    const stream = openSocket(claimed, index)
    ours.set(stream, stream)
    if (index === 0) stream.on('error', swallow)
    return stream
  }
  if (index === 0) {
    const stream = new (streams().Writable)({ write: (_chunk, _encoding, done) => done(brokenPipe()) })
    return stream.on('error', swallow)
  }
  return leftover(claimed, index)
}

/** The most that libuv reads at a time, which is all that a pipe holds: its writer had to wait. */
const FULL = 64 * 1024

/**
 * Gives the pipe more room as soon as it was found full. Not before: a user has a share of such room, and most children
 * write little.
 */
const enlargeWhenFull = (socket: Socket, fd: number): Socket => {
  const push = socket.push
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (ArrayBuffer.isView(chunk) && chunk.byteLength >= FULL) {
      binding.enlargePipe(fd)
      delete (socket as { push?: unknown }).push
    }
    return push.call(socket, chunk, encoding)
  }
  return socket
}

const openSocket = (fd: number, index: number): Socket => {
  try {
    if (isBun) return openBunStream(fd, index !== 0, index === 0 || index >= 3) as Socket
    // Not started by hand, a socket begins to read, and to hold the event loop open, before anybody wants its data.
    const socket = new (net().Socket)({
      fd,
      readable: index !== 0,
      writable: index === 0 || index >= 3,
      manualStart: true,
    } as never)
    return index === 1 || index === 2 ? enlargeWhenFull(socket, fd) : socket
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

/** Everything there is was pushed beforehand. */
const read = (): void => {}

const leftover = (bytes: Buffer | null, index: number): Readable => {
  const stream: Readable =
    index < 3
      ? new (streams().Readable)({ read })
      : new (streams().Duplex)({ read, write: (_chunk, _encoding, done) => done(brokenPipe()) }).on('error', swallow)
  if (bytes === null) empty.add(stream)
  else stream.push(bytes)
  stream.push(null)
  return stream
}
