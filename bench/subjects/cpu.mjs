// Processor time of this process, in microseconds.

import { readFileSync } from 'node:fs'

/** Of the thread that runs JavaScript, which is the first one in all engines: the first number is in nanoseconds. */
export const threadCpu = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e3

/** Of all threads together. */
export const processCpu = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}
