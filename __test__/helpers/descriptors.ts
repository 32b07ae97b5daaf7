import { closeSync, fstatSync, openSync, readdirSync, readlinkSync } from 'node:fs'

/** The open descriptors of this process and what each is: a path, `pipe:[…]`, `anon_inode:[pidfd]`, … */
export const descriptors = (): Map<number, string> => {
  const found = new Map<number, string>()
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      found.set(Number(name), readlinkSync(`/proc/self/fd/${name}`))
    } catch {
      // The one that the directory itself was read with.
    }
  }
  return found
}

/** Those that are open now and were not, or are something else than they were. */
export const newDescriptors = (before: ReadonlyMap<number, string>): string[] =>
  [...descriptors()].filter(([fd, target]) => before.get(fd) !== target).map(([fd, target]) => `${fd} -> ${target}`)

/** Whether a descriptor of ours is open. */
export const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** Calls a function with a file opened, and closes it whatever happens. */
export const withFile = async <T>(path: string, flags: string, use: (fd: number) => T | Promise<T>): Promise<T> => {
  const fd = openSync(path, flags)
  try {
    return await use(fd)
  } finally {
    closeSync(fd)
  }
}
