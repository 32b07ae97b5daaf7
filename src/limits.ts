import { type Child, childInternals } from './child.ts'
import { familyOfChild, stopFamily } from './family.ts'
import { signalName } from './signals.ts'
import { GRACE } from './stop.ts'

/** Those whose descendants are being stopped with them. */
const families = new WeakMap<Child, Promise<void>>()

/** Resolves when all are gone that `timeout` or `signal` has begun to stop; at once where that is the child alone. */
export const whenFamilyIsGone = async (child: Child): Promise<void> => families.get(child)

const stopFamilyOf = async (child: Child): Promise<void> => {
  const { id, options } = childInternals(child)
  try {
    await stopFamily(familyOfChild(id, child.pid), { signal: options.killSignal, grace: GRACE })
  } catch {
    // Nobody can be found without a process table, or without a descriptor to read it. There is always the child itself.
    stopAlone(child)
  }
}

/** Sends what `timeout` and `signal` send, and SIGKILL after the usual grace. */
const stop = (child: Child): void => {
  if (!childInternals(child).options.killTree) stopAlone(child)
  else if (!families.has(child)) families.set(child, stopFamilyOf(child))
}

const stopAlone = (child: Child): void => {
  const { options, onEnd } = childInternals(child)
  if (!child.kill(options.killSignal)) return
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE).unref()
  onEnd(() => clearTimeout(timer))
}

/** Whatever goes wrong with a signal, as with a child that changed its credentials, must not bring the program down. */
const stopQuietly = (child: Child): void => {
  try {
    stop(child)
  } catch {
    // EPERM: it is not ours to stop any more. It ends by itself, or never.
  }
}

/** More than the child itself that is to be stopped. */
export interface Work {
  /** Calls a function when there is nothing left to be stopped; without it, that is when the child is over. */
  readonly onOver: (listener: () => void) => void
  /** Called when it is stopped, before the signal is sent. */
  readonly onStop: () => void
}

/** Stops the child, and the work that is done with it, when its `timeout` is over. */
export const stopOnTimeout = (child: Child, work?: Work): void => {
  const { options, onEnd } = childInternals(child)
  if (options.timeout === 0) return
  let isOver = false
  const timer = setTimeout(() => {
    if (child.kill(0)) {
      work?.onStop()
      stopQuietly(child)
      return
    }
    // The event loop may have been stopped for longer than the timeout: a child that has ended in time is no late one, and
    // one turn of the loop tells what has come of it. If that is not all, somebody else holds the pipes.
    setImmediate(() => {
      if (isOver || work === undefined) return
      work.onStop()
      stopQuietly(child)
    })
  }, options.timeout).unref()
  const onOver = work?.onOver ?? onEnd
  onOver(() => {
    isOver = true
    clearTimeout(timer)
  })
}

/** Stops the child, and the work that is done with it, when its `signal` is aborted. */
export const stopOnSignal = (child: Child, work?: Work): void => {
  const { options, onEnd } = childInternals(child)
  const { signal } = options
  if (signal === undefined) return
  const onAbort = (): void => {
    work?.onStop()
    stopQuietly(child)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  const onOver = work?.onOver ?? onEnd
  onOver(() => signal.removeEventListener('abort', onAbort))
}

/** The name of what `timeout` and `signal` send, for messages. */
export const stopSignalName = (child: Child): string => signalName(childInternals(child).options.killSignal)
