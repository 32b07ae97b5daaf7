// How often a child's life crosses from JavaScript into the native part.

import test from 'ava'

import { fixture, output } from './count.ts'

interface Crossings {
  readonly atSpawn: string[]
  readonly atExit: string[]
  readonly atPipedSpawn: string[]
  readonly atRun: string[]
  readonly atCrowd: string[]
}

const crossings = async (): Promise<Crossings> =>
  JSON.parse(await output(process.execPath, [fixture('crossings')])) as Crossings

test('a spawn is one call, with pipes too', async (t) => {
  const { atSpawn, atPipedSpawn } = await crossings()
  t.deepEqual(atSpawn, ['spawn'])
  t.deepEqual(atPipedSpawn, ['spawn'])
})

test('an exit is two: its events, and that there are no more', async (t) => {
  const { atExit } = await crossings()
  t.deepEqual(atExit, ['take', 'take'])
})

test('run() is at most seven: spawn, capture, its text, and what two wake-ups bring', async (t) => {
  const { atRun } = await crossings()
  t.is(atRun.filter((name) => name === 'spawn').length, 1)
  t.is(atRun.filter((name) => name === 'capture').length, 1)
  t.true(atRun.length <= 7, atRun.join(' '))
})

test('the exits of a crowd come along together: 64 in a call, and that there are no more', async (t) => {
  t.deepEqual((await crossings()).atCrowd, ['take', 'take', 'take'])
})
