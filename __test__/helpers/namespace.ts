import { spawnSync } from 'node:child_process'

/** The command line prefix that makes a program PID 1 of a PID namespace of its own. */
export const AS_INIT = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const

/** Why that cannot be had here; `undefined` where it can. */
export const whyNotInit = (): string | undefined => {
  const [command, ...args] = AS_INIT
  const { status, error, stderr } = spawnSync(command, [...args, 'true'], { encoding: 'utf8' })
  if (status === 0) return undefined
  return error === undefined ? stderr.trim() : error.message
}
