import { binding } from './native.ts'

/** What this machine lets us use. */
export interface Capabilities {
  /** How processes are made. */
  readonly spawn: 'clone3' | 'clone' | 'posix_spawn'
  /** How their ends are noticed. */
  readonly reaper: 'pidfd' | 'sigchld'
  /** How signals are sent: to a descriptor of the process, or to its pid, which is checked first. */
  readonly kill: 'pidfd' | 'pid'
  /** Whether this process can become the one that its descendants' orphans fall to. */
  readonly subreaper: boolean
}

/**
 * What this machine lets us use, as found at run time: the kernel, a seccomp filter, and the environment variables
 * `BROOD_SPAWN` and `BROOD_REAPER` have their say.
 */
export const capabilities = (): Capabilities => binding.capabilities() as Capabilities
