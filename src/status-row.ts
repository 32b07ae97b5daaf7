import { ExitStatus } from './exit-status.ts'
import { FLAG, ROW } from './native.ts'

/** Where the usage begins in a row; 16 numbers to its end. */
const USAGE = 7

/** Reads an exit status out of a row of numbers. */
export const readStatus = (rows: Float64Array, offset: number): ExitStatus => {
  const flags = rows[offset + 3]!
  // By hand: Array.from() of a part takes longer than all the rest of an exit.
  const usage: number[] = []
  for (let field = USAGE; field < ROW; field++) usage.push(rows[offset + field]!)
  return new ExitStatus(
    rows[offset + 5]!,
    rows[offset + 6]!,
    (flags & FLAG.coreDumped) !== 0,
    rows[offset + 4]!,
    usage,
    (flags & FLAG.maxRssIsOwn) !== 0,
  )
}
