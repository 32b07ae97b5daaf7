import { join } from 'node:path'

import { fs } from '../../builtins.ts'
import { readProc } from './container.ts'

/** The cgroup of version 2 that we are in. */
export interface Cgroup {
  /** Its directory; `null` where there is no version 2, or where it cannot be seen. */
  readonly path: string | null
  /** Whether we may make cgroups in it, and move our processes there. */
  readonly isDelegated: boolean
  /** Whether a whole cgroup can be killed at once (`cgroup.kill`, Linux 5.14). */
  readonly hasKill: boolean
  /** What can be limited there. */
  readonly controllers: readonly string[]
}

const NONE: Cgroup = { path: null, isDelegated: false, hasKill: false, controllers: [] }

/** mountinfo writes a space as `\040`. */
const unescape = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

const isWritable = (path: string): boolean => {
  try {
    fs.accessSync(path, fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** @see {@link https://docs.kernel.org/admin-guide/cgroup-v2.html#delegation | Delegation} */
export const examineCgroup = (): Cgroup => {
  // proc_pid_mountinfo(5): root and mount point are fields 4 and 5; the type follows a lone hyphen.
  const mount = readProc('/proc/self/mountinfo')
    ?.split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields[fields.indexOf('-') + 1] === 'cgroup2')
  const own = /^0::(.*)$/m.exec(readProc('/proc/self/cgroup') ?? '')?.[1]
  if (mount === undefined || own === undefined) return NONE
  const [root, point] = [unescape(mount[3]!), unescape(mount[4]!)]
  // With a cgroup namespace both are seen from its root; a path that leads out of it starts with /..
  const inside = root !== '/' && own.startsWith(root) ? own.slice(root.length) : own
  const path = join(point, inside).replace(/(?<=.)\/$/, '')
  if (!fs.existsSync(join(path, 'cgroup.procs'))) return NONE
  return {
    path,
    isDelegated: [path, join(path, 'cgroup.procs'), join(path, 'cgroup.subtree_control')].every(isWritable),
    hasKill: fs.existsSync(join(path, 'cgroup.kill')),
    controllers: (readProc(join(path, 'cgroup.controllers')) ?? '').split(/\s+/).filter(Boolean),
  }
}
