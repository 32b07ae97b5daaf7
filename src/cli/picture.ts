import type { Hierarchy } from '../hierarchy/hierarchy.ts'
import type { Process } from '../hierarchy/process.ts'
import type { ProcessInfo } from '../process-tree.ts'

/** How to draw a hierarchy. */
export interface PictureOptions {
  /** Columns of the terminal: longer lines are cut. @default as long as they are */
  width?: number | undefined
  /** Whether zombies are red. @default false */
  colors?: boolean | undefined
  /** Processor time in percent, by pid, instead of what was used in all. */
  usage?: ReadonlyMap<number, number> | undefined
}

/** One process in the order of the picture. */
export interface Visit {
  readonly process: Process
  readonly info: ProcessInfo
  /** The lines that lead to it. */
  readonly branch: string
  /** 0 for the first one. */
  readonly depth: number
}

/** Indentation beyond this shows nothing any more, and a family may be as deep as there are pids. */
const DEEPEST = 100

/** Everybody, parents before their children, siblings by pid. Without recursion, for a family may be deep. */
export function* visit(hierarchy: Hierarchy): Iterable<Visit> {
  const waiting = [{ process: hierarchy.init, depth: 0, branch: '', indent: '' }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { process, depth, branch, indent } = next
    yield { process, info: process.data as ProcessInfo, branch, depth }
    const { children } = process
    for (let index = children.length - 1; index >= 0; index--) {
      const isLast = index === children.length - 1
      const line = { process: children[index]!, depth: depth + 1, branch: `${indent}${isLast ? '└─ ' : '├─ '}` }
      waiting.push({ ...line, indent: depth < DEEPEST ? `${indent}${isLast ? '   ' : '│  '}` : indent })
    }
  }
}

/** Bytes in a few letters: `12.3M`. */
export const formatBytes = (bytes: number): string => {
  let value = bytes / 1024
  for (const unit of ['K', 'M', 'G']) {
    if (value < 999.5) return `${value < 9.95 && unit !== 'K' ? value.toFixed(1) : value.toFixed(0)}${unit}`
    value /= 1024
  }
  return `${value.toFixed(1)}T`
}

const twoDigits = (number: number): string => String(Math.floor(number)).padStart(2, '0')

/** Milliseconds of processor time in a few letters: `0.12s`, `3:05`, `27:03:05`. */
export const formatTime = (milliseconds: number): string => {
  const seconds = Math.floor(milliseconds / 1000)
  if (seconds < 60) return `${(milliseconds / 1000).toFixed(2)}s`
  const rest = twoDigits(seconds % 60)
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${rest}`
  return `${Math.floor(seconds / 3600)}:${twoDigits((seconds % 3600) / 60)}:${rest}`
}

/** A command such that it does nothing to a terminal: a program may choose any bytes for its arguments. */
export const harmless = (command: string): string =>
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  command.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    return `\\u{${character.codePointAt(0)!.toString(16)}}`
  })

/** Where a session or a group begins, and where somebody is in another one than its parent. */
const marksOf = ({ pgid, sid }: ProcessInfo, parent: ProcessInfo | undefined): string => {
  const marks = []
  if (sid !== parent?.sid) marks.push(`session ${sid}`)
  if (pgid !== parent?.pgid) marks.push(`group ${pgid}`)
  return marks.length === 0 ? '' : `[${marks.join(', ')}] `
}

const HEADINGS = ['PID', 'S', 'CPU', 'MEM'] as const
const RED = '\u001b[31m'
const DEFAULT_COLOR = '\u001b[39m'

const cut = (line: string, width: number): string => {
  // Few lines are long: most need not be taken apart.
  if (line.length <= width) return line
  const characters = [...line]
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`
}

/** Draws a hierarchy, a line for each process under a line of headings. */
export const draw = (hierarchy: Hierarchy, { width, colors = false, usage }: PictureOptions = {}): string[] => {
  const rows = [...visit(hierarchy)].map(({ process, info, branch }) => {
    const parent = process.parent?.data as ProcessInfo | undefined
    const percent = usage?.get(process.pid)
    const cpu = usage === undefined ? formatTime(info.cpuTime) : percent === undefined ? '' : `${percent.toFixed(0)}%`
    const columns = [String(process.pid), info.state, cpu, formatBytes(info.rss)]
    return { columns, text: `${branch}${marksOf(info, parent)}${harmless(info.command)}`, isZombie: process.isZombie }
  })
  const widths = HEADINGS.map((heading, index) =>
    rows.reduce((widest, { columns }) => Math.max(widest, columns[index]!.length), heading.length),
  )
  const line = (columns: readonly string[], text: string): string => {
    const whole = `${columns.map((column, index) => column.padStart(widths[index]!)).join('  ')}  ${text}`
    return width === undefined ? whole : cut(whole, width)
  }
  return [
    line(HEADINGS, 'COMMAND'),
    ...rows.map(({ columns, text, isZombie }) => {
      const whole = line(columns, text)
      return colors && isZombie ? `${RED}${whole}${DEFAULT_COLOR}` : whole
    }),
  ]
}
