import { isBun } from './bun-streams.ts'
import { binding } from './native.ts'
import type { Invocation } from './invocation.ts'
import type { CheckedOptions } from './options.ts'

/** Words before the variable part, and what the first one says; `crate/core/src/spawn/request.rs` has the same layout. */
const HEADER = 13
const MAGIC = 0x6272_0001

const FLAG = {
  cwd: 1,
  session: 1 << 1,
  processGroup: 1 << 2,
  uid: 1 << 3,
  gid: 1 << 4,
  groups: 1 << 5,
  umask: 1 << 6,
  noNewPrivs: 1 << 7,
  killOnDrop: 1 << 8,
  inheritEnviron: 1 << 9,
  parentDeathSignal: 1 << 10,
  controllingTerminal: 1 << 11,
  killTree: 1 << 12,
} as const

/**
 * Whether `process.env` is the environment of the process itself: a worker has one of its own, and so has Bun. Asked of the
 * binding, because `node:worker_threads` takes longer to load than all of brood.
 */
const isEnvironment = binding.isMainThread() && !isBun

/** A UTF-16 code unit becomes at most three bytes. */
const MOST_BYTES_PER_UNIT = 3

/** A packed request, in memory that is used again by the next one. */
export interface PackedRequest {
  readonly bytes: Buffer
  /** The same memory in words; the native part puts what it has made there. */
  readonly words: Uint32Array
  /** How many bytes count. */
  length: number
}

const makeRoom = (size: number): PackedRequest => {
  const bytes = Buffer.allocUnsafeSlow((size + 3) & ~3)
  return { bytes, words: new Uint32Array(bytes.buffer), length: 0 }
}

/** What requests are packed into: one for all, because each is decoded before the next is packed. */
const usual = makeRoom(64 * 1024)

const packEnvironment = (env: Record<string, string | undefined>): { text: string; count: number } => {
  let text = ''
  let count = 0
  for (const name in env) {
    const value = env[name]
    if (value !== undefined) {
      text += `${name}=${value}\0`
      count++
    }
  }
  return { text, count }
}

/**
 * Packs everything into one flat buffer: numbers first, then all strings, each with a NUL behind it.
 *
 * A NUL inside of a string makes one string too many, which the decoder sees; nobody need look for it here.
 */
export const packRequest = ({ file, argv }: Invocation, options: CheckedOptions): PackedRequest => {
  const { cwd, descriptors, groups, limits, processGroup, uid, gid, umask } = options
  // That of the process is copied by the native part, in no time.
  const env = options.env ?? (isEnvironment ? undefined : process.env)
  let flags = 0
  let text = `${file}\0`
  if (cwd !== undefined) {
    flags |= FLAG.cwd
    text += `${cwd}\0`
  }
  // Counted loops here and below: an iterator costs more than what it goes over, until the engine has optimised it.
  for (let index = 0; index < argv.length; index++) text += `${argv[index]}\0`
  let variables = 0
  if (env === undefined) {
    flags |= FLAG.inheritEnviron
  } else {
    const packed = packEnvironment(env)
    text += packed.text
    variables = packed.count
  }
  if (options.detached) flags |= FLAG.session
  if (processGroup !== undefined) flags |= FLAG.processGroup
  if (uid !== undefined) flags |= FLAG.uid
  if (gid !== undefined) flags |= FLAG.gid
  if (groups !== undefined) flags |= FLAG.groups
  if (umask !== undefined) flags |= FLAG.umask
  if (options.noNewPrivs) flags |= FLAG.noNewPrivs
  if (options.killOnDrop) flags |= FLAG.killOnDrop
  if (options.killTree) flags |= FLAG.killTree
  if (options.parentDeathSignal !== 0) flags |= FLAG.parentDeathSignal
  if (options.controllingTerminal) flags |= FLAG.controllingTerminal

  const numbers = HEADER + (groups?.length ?? 0) + 2 * descriptors.length + 5 * limits.length
  const size = 4 * numbers + MOST_BYTES_PER_UNIT * text.length
  const room = size <= usual.bytes.length ? usual : makeRoom(size)
  const { bytes, words } = room
  words[0] = MAGIC
  words[1] = flags
  words[2] = argv.length
  words[3] = variables
  words[4] = processGroup ?? 0
  words[5] = uid ?? 0
  words[6] = gid ?? 0
  words[7] = umask ?? 0
  words[8] = options.parentDeathSignal
  words[9] = groups?.length ?? 0
  words[10] = descriptors.length
  words[11] = limits.length
  let next = HEADER
  if (groups !== undefined) for (const group of groups) words[next++] = group
  for (let index = 0; index < descriptors.length; index++) {
    const { kind, value } = descriptors[index]!
    words[next++] = kind
    words[next++] = value
  }
  for (let index = 0; index < limits.length; index++) {
    const [resource, soft, hard] = limits[index]!
    words[next++] = resource
    next = packLimit(words, soft, next)
    next = packLimit(words, hard, next)
  }
  // In UTF-8, as it is without saying.
  const length = bytes.write(text, 4 * numbers)
  words[12] = length
  room.length = 4 * numbers + length
  return room
}

/** A limit as two words, the low one first. */
const packLimit = (words: Uint32Array, limit: number, at: number): number => {
  words[at] = limit === Infinity ? 0xffff_ffff : limit >>> 0
  words[at + 1] = limit === Infinity ? 0xffff_ffff : Math.floor(limit / 2 ** 32)
  return at + 2
}
