import { isBun } from './bun-streams.ts'
import { errnoName } from './errors.ts'
import { binding, FLAG, HAPPENED, ROW } from './native.ts'

/** The name of the method that is told of a child's end. */
export const onExit = Symbol('onExit')
/** The name of the method that is told of a child's exec. */
export const onExec = Symbol('onExec')

/** Somebody who is told of one child, by its id. Symbols, so that it can be the child itself and nobody else's business. */
export interface EventTarget {
  /** The child has ended: `rows` from `offset` on says how. */
  [onExit](rows: Float64Array, offset: number): void
  /** The child has exec'd. */
  [onExec](): void
}

/** Enough for a burst, small enough to stay in the cache. */
const MOST_ROWS = 64
/** The rows that events are written to. */
const rows = new Float64Array(ROW * MOST_ROWS)
const targets = new Map<number, EventTarget>()
const outputs = new Map<number, (stdoutLength: number, stderrLength: number) => void>()
let onReaped: ((rows: Float64Array, offset: number) => void) | undefined
let onSignal: ((number: number) => void) | undefined
/** The number that the native part knows this environment by. */
let opened: number | undefined

/** Tells everybody what has happened. One call from the driver, however much that is. */
const onEvents = (): void => {
  const environment = openEnvironment()
  let count: number
  do {
    count = binding.take(environment, rows)
    for (let offset = 0; offset < count * ROW; offset += ROW) {
      try {
        dispatch(rows, offset)
      } catch (error) {
        // A listener of the user's threw. The others have a right to their events; the error goes where uncaught ones go.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  } while (count === MOST_ROWS)
}

const dispatch = (row: Float64Array, offset: number): void => {
  const happened = row[offset]
  const id = row[offset + 1]!
  if (happened === HAPPENED.output) {
    const onOutput = outputs.get(id)
    outputs.delete(id)
    onOutput?.(row[offset + 5]!, row[offset + 6]!)
  } else if (happened === HAPPENED.signal) {
    onSignal?.(row[offset + 6]!)
  } else if (row[offset + 3]! & FLAG.reaped) {
    onReaped?.(row, offset)
  } else if (happened === HAPPENED.exec) {
    targets.get(id)?.[onExec]()
  } else {
    const target = targets.get(id)
    targets.delete(id)
    // Given up while its end was on its way here: then it is an orphan's.
    if (target === undefined) onReaped?.(row, offset)
    else target[onExit](row, offset)
  }
}

/** As {@link openEnvironment}; what is negative is the errno of what kept the driver from starting. */
export const tryToOpenEnvironment = (): number => {
  if (opened === undefined) {
    const made = binding.openEnvironment(onEvents)
    if (made < 0) return made
    opened = made
  }
  return opened
}

/**
 * The number of this JavaScript environment, the main thread or a worker: what the native part has of it.
 *
 * @throws {Error} with `code` `EMFILE` or `EAGAIN` when there is no room for its descriptors or its thread.
 */
export const openEnvironment = (): number => {
  const environment = tryToOpenEnvironment()
  if (environment < 0) {
    const code = errnoName(-environment)
    throw Object.assign(new Error(`brood cannot start its driver thread: ${code}`), { code, errno: environment })
  }
  return environment
}

// Now, while the program starts and there is room: the first spawn need not wait for a thread to come up. Should there be no
// room, that one tries again, and says why it cannot.
tryToOpenEnvironment()

// Bun calls no cleanup hook when the program ends by process.exit() or by an error that nobody caught (seen: 1.4). What the
// hook does everywhere else, drop the handles of the children that still run, is done here; with both, the second finds none.
if (isBun) {
  process.on('exit', () => {
    if (opened !== undefined) for (const id of targets.keys()) binding.dropChild(opened, id)
  })
}

/** Says who is to be told of a child. */
export const listen = (id: number, target: EventTarget): void => void targets.set(id, target)

/** Nobody is to be told of a child any more. */
export const forget = (id: number): void => void targets.delete(id)

/** Says who is to be told when a child's output is complete. */
export const listenToOutput = (id: number, onOutput: (stdoutLength: number, stderrLength: number) => void): void =>
  void outputs.set(id, onOutput)

/** Says who is to be told of orphans that were reaped, if anybody. */
export const listenToOrphans = (listener: typeof onReaped): void => {
  onReaped = listener
  binding.listenToOrphans(openEnvironment(), listener !== undefined)
}

/** Has signals, by their numbers, told to a listener from now on, whatever they did before: those Node has no names for. */
export const listenToSignals = (numbers: readonly number[], listener: (number: number) => void): void => {
  onSignal = listener
  for (const number of numbers) binding.relaySignal(openEnvironment(), number)
}
