import { fs } from './builtins.ts'

/** A machine, in the words of Node; a C library on Linux alone. */
export interface Machine {
  readonly platform: string
  readonly arch: string
  readonly libc?: 'gnu' | 'musl'
}

/** What the sentence needs of our own package.json. */
export interface Manifest {
  readonly version: string
  readonly napi: { readonly packageName: string; readonly targets: readonly string[] }
}

/** A build that was tried, and what came of it. */
export interface Attempt {
  readonly build: string
  readonly error: unknown
}

const NAMES: Record<string, string> = {
  aarch64: 'arm64',
  darwin: 'macOS',
  freebsd: 'FreeBSD',
  gnu: ' (glibc)',
  linux: 'Linux',
  musl: ' (musl)',
  win32: 'Windows',
  x86_64: 'x64',
}
const named = (word: string): string => NAMES[word] ?? word

/** What a missing module is called, and what Deno calls a missing file. */
const NOT_THERE = new Set(['MODULE_NOT_FOUND', 'ENOENT'])

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code)

/** The machine that a Rust target is for, e.g. `aarch64-unknown-linux-musl`. */
const machineOf = (target: string): Machine => {
  const [architecture = '', , platform = '', libc] = target.split('-')
  return { platform, arch: named(architecture), ...(libc && { libc: libc as 'gnu' | 'musl' }) }
}

const buildOf = ({ platform, arch, libc }: Machine): string => `${platform}-${arch}${libc ? `-${libc}` : ''}`

/** E.g. `Linux (musl)`. */
const systemOf = ({ platform, libc }: Machine): string => `${named(platform)}${named(libc ?? '')}`

/** E.g. `Linux (glibc) x64 and arm64, macOS x64 and arm64`. */
const offerOf = (machines: readonly Machine[]): string => {
  const systems = new Map<string, string[]>()
  for (const machine of machines) {
    const system = systemOf(machine)
    systems.set(system, [...(systems.get(system) ?? []), machine.arch])
  }
  return Array.from(systems, ([system, architectures]) => `${system} ${architectures.join(' and ')}`).join(', ')
}

/**
 * Why there is no native part, in one sentence: where we are, which package to install, and what there is.
 *
 * @param attempts - all builds that were tried, everywhere they were looked for.
 */
export const explainMissing = (machine: Machine, { version, napi }: Manifest, attempts: readonly Attempt[]): string => {
  const build = buildOf(machine)
  const place = `${systemOf(machine)} ${machine.arch}`
  const supported = napi.targets.map(machineOf)
  const offer = `there are builds for ${offerOf(supported)}`
  if (!supported.some((candidate) => buildOf(candidate) === build)) {
    return `brood ${version} does not run on ${place}: ${offer}.`
  }
  const needed = `${napi.packageName}-${build}@${version}`
  // Anything but these was there and would not load.
  const broken = attempts.find((attempt) => attempt.build === build && !NOT_THERE.has(codeOf(attempt.error)))
  if (broken !== undefined) {
    const reason = (broken.error as Error).message.split('\n', 1)[0]
    return `brood ${version} cannot load its native part for ${place}, ${needed}: ${reason} (${offer}).`
  }
  return (
    `brood ${version} is installed without its native part for ${place}, as by --omit=optional or by a lock file made on ` +
    `another system: run "npm install ${needed}" (${offer}).`
  )
}

/** Which C library this process runs on, told by what is mapped into it: that works in the barest container, too. */
const libc = (): 'gnu' | 'musl' => {
  try {
    return /\/(ld-musl-|libc\.musl-)/.test(fs.readFileSync('/proc/self/maps', 'utf8')) ? 'musl' : 'gnu'
  } catch {
    return 'gnu'
  }
}

/** The machine that we are on. */
export const thisMachine = (): Machine => {
  const { platform, arch } = process
  return { platform, arch, ...(platform === 'linux' && { libc: libc() }) }
}
