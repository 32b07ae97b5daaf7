import { arch, platform, release } from 'node:os'

import { errnoName } from '../../errors.ts'
import { binding } from '../../native.ts'
import { readProc } from './container.ts'

/** One facility of the kernel. */
export interface Facility {
  readonly name: string
  /** The error that speaks against it; `null` where it can be used. */
  readonly error: string | null
}

/** What brood runs on. */
export interface Machine {
  readonly platform: string
  readonly arch: string
  readonly kernel: string
  /** The C library and its version. */
  readonly libc: string
  readonly node: string
  /** Whether system calls are filtered. */
  readonly seccomp: 'none' | 'strict' | 'filter' | 'unknown'
  readonly noNewPrivs: boolean
  readonly facilities: readonly Facility[]
  /** The variables that overrule what was found. */
  readonly overrides: Readonly<Record<string, string>>
}

const findLibc = (): string => {
  if (platform() !== 'linux') return 'of the system'
  const { header, sharedObjects } = process.report.getReport() as {
    header: { glibcVersionRuntime?: string }
    sharedObjects: string[]
  }
  if (header.glibcVersionRuntime !== undefined) return `glibc ${header.glibcVersionRuntime}`
  return sharedObjects.some((path) => path.includes('musl')) ? 'musl' : 'unknown'
}

const status = readProc('/proc/self/status') ?? ''
const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]

const SECCOMP = ['none', 'strict', 'filter'] as const

/** Looks at the machine and tries what it can do. */
export const examineMachine = (): Machine => ({
  platform: platform(),
  arch: arch(),
  kernel: release(),
  libc: findLibc(),
  node: process.version,
  seccomp: SECCOMP[Number(field('Seccomp') ?? Number.NaN)] ?? 'unknown',
  noNewPrivs: field('NoNewPrivs') === '1',
  facilities: binding.probes().map(({ name, errno }) => ({ name, error: errno === 0 ? null : errnoName(errno) })),
  overrides: Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[0].startsWith('BROOD_') && entry[1] !== undefined,
    ),
  ),
})
