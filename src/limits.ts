import { type Child, childInternals } from './child.ts'
import { signalName } from './signals.ts'
import { GRACE } from './stop.ts'

/** Sends what `timeout` and `signal` send, and SIGKILL after the usual grace. */
const stop = (child: Child): void => {
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

/**
 * Stops the child when its `timeout` is over.
 *
 * @param onStop - called when that happens, before the signal is sent.
 */
export const stopOnTimeout = (child: Child, onStop?: () => void): void => {
  const { options, onEnd } = childInternals(child)
  if (options.timeout === 0) return
  const timer = setTimeout(() => {
    // The event loop may have been stopped for longer than the timeout: a child that has ended in time is no late one.
    if (!child.kill(0)) return
    onStop?.()
    stopQuietly(child)
  }, options.timeout).unref()
  onEnd(() => clearTimeout(timer))
}

/**
 * Stops the child when its `signal` is aborted.
 *
 * @param onStop - called when that happens, before the signal is sent.
 */
export const stopOnSignal = (child: Child, onStop?: () => void): void => {
  const { options, onEnd } = childInternals(child)
  const { signal } = options
  if (signal === undefined) return
  const onAbort = (): void => {
    onStop?.()
    stopQuietly(child)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  onEnd(() => signal.removeEventListener('abort', onAbort))
}

/** The name of what `timeout` and `signal` send, for messages. */
export const stopSignalName = (child: Child): string => signalName(childInternals(child).options.killSignal)
