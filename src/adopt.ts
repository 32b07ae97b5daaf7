import { errnoName } from './errors.ts'
import { binding } from './native.ts'
import { LONGEST_TIME } from './option-checks.ts'

/** How to adopt orphans. */
export interface AdoptOptions {
  /**
   * Milliseconds that an unknown child must have been a zombie before it is taken for nobody's. With several adoptions the
   * longest one counts. @default 100
   */
  grace?: number
}

/** An adoption; it ends when it is disposed. */
export interface Adoption extends Disposable {
  /** Number of strangers that were reaped since this adoption began, until it ended. */
  readonly adopted: number
}

const GRACE = 100
/** While strangers come in crowds, they are looked at in crowds: at most once in so many milliseconds. */
const BETWEEN_LOOKS = 10

/** All adoptions of this program: each has its own grace period and count. */
const adoptions = new Set<{ readonly grace: number; adopted: number }>()

/**
 * The watcher that they share: what it does next, and when.
 *
 * - `idle`: nothing until the next SIGCHLD. No timer runs.
 * - `looking`: a SIGCHLD came, and a look follows when this turn of the event loop has dealt with its events.
 * - `waiting`: there are zombies, and a timer runs.
 * - `turning`: the event loop makes a full turn, and then those that are still there are reaped.
 */
let state: 'idle' | 'looking' | 'waiting' | 'turning' = 'idle'
let isAdopting = false
let timer: NodeJS.Timeout | undefined
/** When the timer is due, by performance.now(). */
let due = 0

const look = (): void => {
  if (!isAdopting) return
  const time = binding.lookForStrangers(Math.max(...Array.from(adoptions, ({ grace }) => grace)))
  if (time === 0) {
    turn()
  } else if (time > 0) {
    lookAfter(time)
  } else {
    state = 'idle'
  }
}

const lookAfter = (time: number): void => {
  state = 'waiting'
  clearTimeout(timer)
  const milliseconds = Math.min(Math.ceil(time), LONGEST_TIME)
  due = performance.now() + milliseconds
  // A program that ends leaves its zombies to the parent that comes after it: no reason to stay.
  timer = setTimeout(look, milliseconds).unref()
}

/**
 * A full turn of the event loop: after it, libuv has asked all of its children that belong to the main loop, and has reaped
 * those that had ended before.
 *
 * The native look has just raised a SIGCHLD in this thread, so libuv's handler has run, and its pipe to the loop is readable
 * from now on. The loop reads it in its poll phase. The first callback comes at the end of the turn that we are in, whose
 * poll phase may have been over; between the first one and the second one lies a whole poll phase, wherever we began.
 *
 * These hold the event loop open, for two turns. Immediates that do not would wait for the next event, if any ever came.
 */
const turn = (): void => {
  state = 'turning'
  setImmediate(() => setImmediate(reap))
}

const reap = (): void => {
  if (!isAdopting) return
  const reaped = binding.reapStrangers()
  for (const adoption of adoptions) adoption.adopted += reaped
  look()
}

const onSigchld = (): void => {
  if (state === 'idle') {
    state = 'looking'
    // After the events of this turn: signals come in bursts, one look is enough for all of them, and libuv reads its own
    // children from the same pipe that brought this signal.
    setImmediate(look)
  } else if (state === 'waiting' && due - performance.now() > BETWEEN_LOOKS) {
    lookAfter(BETWEEN_LOOKS)
  }
}

/** Somebody has removed all listeners of the process, ours among them. Without it nobody would tell of a SIGCHLD. */
const onRemoval = (event: string | symbol, listener: unknown): void => {
  if (listener !== onSigchld && listener !== onRemoval) return
  queueMicrotask(() => {
    if (isAdopting) listenToSigchld()
  })
}

/**
 * Listens to SIGCHLD by way of Node: libuv's handler then stays in place for as long as we listen, and tells every loop.
 *
 * A handler of our own, as the driver has for children without a pidfd, would be replaced by libuv's whenever a
 * `node:child_process` child is started, and by none when the last of them is gone. It would have to be looked after some
 * dozens of times a second: a timer, in a program in which nothing happens. This costs nothing until a child ends, beside
 * what others do with their handlers, and it is late only when the main thread is: without which nothing is decided anyway.
 */
const listenToSigchld = (): void => {
  stopListening()
  process.on('SIGCHLD', onSigchld)
  process.on('removeListener', onRemoval)
}

const stopListening = (): void => {
  process.off('removeListener', onRemoval)
  process.off('SIGCHLD', onSigchld)
}

const start = (): void => {
  const errno = binding.startAdoption()
  if (errno !== 0) {
    const code = errnoName(errno)
    const isRefused = code === 'ENOSYS' || code === 'EPERM'
    const advice = isRefused ? '; it takes Linux and no filter against that call, or being PID 1' : ''
    const message = `brood cannot adopt orphans here: prctl PR_SET_CHILD_SUBREAPER ${code}${advice}`
    throw Object.assign(new Error(message), { code, errno: -errno, syscall: 'prctl' })
  }
  isAdopting = true
  listenToSigchld()
  // Some may have ended before there was anybody to notice.
  state = 'looking'
  setImmediate(look)
}

const stop = (): void => {
  stopListening()
  clearTimeout(timer)
  binding.stopAdoption()
  isAdopting = false
  state = 'idle'
}

const checkGrace = (grace: unknown): number => {
  if (grace === undefined) return GRACE
  if (typeof grace !== 'number') {
    const error = new TypeError(`"grace" must be a number of milliseconds; received ${String(grace)}`)
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' })
  }
  if (grace >= 0 && grace <= LONGEST_TIME) return grace
  const error = new RangeError(`"grace" must be from 0 to ${LONGEST_TIME} milliseconds; received ${grace}`)
  throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' })
}

/**
 * Makes this process the one that its descendants' orphans fall to, as PID 1 is by nature, and reaps them when they end.
 * Without it Node leaves each of them as a zombie for ever.
 *
 * Each is reported by `orphanQueue.on('reap', …)` with `adopted: true`. A child that `node:child_process`, a worker or another
 * addon has started is theirs and is left to them, unless its owner leaves it as a zombie for longer than `grace`: for an
 * addon that does so on purpose, raise it. Does not hold the event loop open.
 *
 * Asked several times, there is one watcher, and it stops when all adoptions are disposed of. What has fallen to this process
 * until then stays its child.
 *
 * @throws {TypeError} with `code` `ERR_WORKER_UNSUPPORTED_OPERATION` in a worker thread: the kernel hands orphans to the main
 * thread.
 * @throws {Error} with `code` `ENOSYS` where there are no subreapers (not Linux), unless this is PID 1.
 * @see {@link https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html | PR_SET_CHILD_SUBREAPER(2const)}
 */
export const adoptOrphans = ({ grace }: AdoptOptions = {}): Adoption => {
  if (!binding.isMainThread()) {
    const error = new TypeError('adoptOrphans() is not supported in workers: call it on the main thread')
    throw Object.assign(error, { code: 'ERR_WORKER_UNSUPPORTED_OPERATION' })
  }
  const own = { grace: checkGrace(grace), adopted: 0 }
  if (adoptions.size === 0) start()
  adoptions.add(own)
  return {
    get adopted() {
      return own.adopted
    },
    [Symbol.dispose]() {
      if (adoptions.delete(own) && adoptions.size === 0) stop()
    },
  }
}

/** The living children of the main thread that are not brood's; none without an adoption. For `brood run`. */
export const strangers = (): number[] => (isAdopting ? binding.strangers() : [])

/** Whether there are strangers that have ended and are still to be reaped. Looks, so that none is missed. For `brood run`. */
export const areStrangersWaiting = (): boolean => {
  if (state === 'idle') look()
  return state !== 'idle'
}
