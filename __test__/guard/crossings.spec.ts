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

test('an exit is one, and none to let the event loop go', async (t) => {
  const { atExit } = await crossings()
  t.deepEqual(atExit, ['take'])
})

test('run() is four: spawn, capture, one wake-up for the output and the end together, and its text', async (t) => {
  t.deepEqual((await crossings()).atRun, ['spawn', 'capture', 'take', 'takeText'])
})

test('the exits of a crowd come along together: 64 in a call', async (t) => {
  t.deepEqual((await crossings()).atCrowd, ['take', 'take'])
})
