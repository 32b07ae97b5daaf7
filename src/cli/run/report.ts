import type { RunCommand } from './options.ts'
import type { Outcome } from './supervise.ts'

/** One line of JSON about how it went. Times in milliseconds, `usage` as in `process.resourceUsage()`. */
export const report = ({ file, args }: RunCommand, outcome: Outcome): string => {
  const { exitCode, status, pid, timedOut, orphansReaped, leftovers } = outcome
  return JSON.stringify({
    command: [file, ...args],
    pid: pid ?? null,
    exitCode,
    code: status?.code ?? null,
    signal: status?.signal ?? null,
    coreDumped: status?.coreDumped ?? false,
    timedOut,
    duration: status?.duration ?? null,
    usage: status?.usage ?? null,
    orphansReaped,
    leftovers,
  })
}
