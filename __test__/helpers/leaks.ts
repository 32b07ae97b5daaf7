import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import type { TestFn } from 'ava'
import { orphanQueue, run, spawn } from 'brood'

import { descriptors, newDescriptors } from './descriptors.ts'
import { runNode } from './fixture.ts'
import { threads } from './threads.ts'
import { until } from './until.ts'
import { childrenOf } from './zombies.ts'

/** Everything that is made once and stays: threads of libuv's pool, its signal pipe, the driver, lazily opened devices. */
const warmUp = async (): Promise<void> => {
  await Promise.all(Array.from({ length: 64 }, () => stat('/')))
  await runNode(['-e', '0'])
  await run('cat', { input: 'warm' })
  const child = spawn('cat')
  child.stdin!.end('warm')
  child.stdout!.resume()
  child.stderr!.resume()
  // A socket that is still open would count as one that was there before.
  await Promise.all([child.wait(), ...child.stdio.map((stream) => once(stream!, 'close'))])
}

/** What there is beyond what there was; empty when everything is back to where it was. */
const leftovers = (beforeDescriptors: Map<number, string>, beforeThreads: number): string => {
  const children = childrenOf().map(({ pid, state }) => `child ${pid} (${state})`)
  // Numbers are given out anew, so it is how many that counts; which ones helps to find out why.
  const extra = descriptors().size > beforeDescriptors.size ? newDescriptors(beforeDescriptors) : []
  const alive = threads()
  const tasks =
    alive.size > beforeThreads ? [`${alive.size} threads, were ${beforeThreads}: ${[...alive.values()].join()}`] : []
  const orphans = orphanQueue.size > 0 ? [`${orphanQueue.size} orphans in the queue`] : []
  return [...children, ...extra.map((text) => `descriptor ${text}`), ...tasks, ...orphans].join('; ')
}

/**
 * Makes a spec file end in a look at what it has left behind: no child, running or zombie, no orphan in the queue, no more
 * descriptors and threads than after a warm-up. Call it once, before the first test.
 *
 * @param prepare - more warm-up, for files that use something which stays on purpose.
 */
export const checkLeaks = (test: TestFn, prepare?: () => Promise<unknown>): void => {
  let beforeDescriptors = new Map<number, string>()
  let beforeThreads = 0
  test.serial.before('warm up', async () => {
    await warmUp()
    await prepare?.()
    await until(() => childrenOf().length === 0, 'the children of the warm-up are gone')
    beforeDescriptors = descriptors()
    beforeThreads = threads().size
  })
  test.serial.after.always('nothing is left behind', async (t) => {
    let left = ''
    // Sockets close in a later turn, and threads end when they come to it.
    await until(
      () => {
        left = leftovers(beforeDescriptors, beforeThreads)
        return left === ''
      },
      'nothing left',
      10_000,
    ).catch(() => {})
    t.is(left, '')
  })
}
