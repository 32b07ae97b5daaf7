// How many instructions the JavaScript thread executes for one child, from spawn to exit, counted by callgrind. It follows
// no clone that shares memory, so children are made by posix_spawn here: all but the last call is the same.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import test from 'ava'

import { fixture, output, works } from './count.ts'

/** It is some 60,000, and differs by a tenth from run to run: what Node does when it starts is not always the same. */
const BUDGET = 80_000

const isCounted = await works('valgrind', ['--tool=none', '-q', process.execPath, '--no-opt', '--eval', '0'])
const counted = isCounted ? test : test.skip

/** Instructions of the first thread in a program that spawns so many children. */
const instructions = async (children: number): Promise<number> => {
  const directory = await mkdtemp(join(tmpdir(), 'brood-guard-'))
  try {
    const valgrind = ['--tool=callgrind', '-q', '--separate-threads=yes', `--callgrind-out-file=${directory}/out`]
    // No code is optimised while it runs, and nothing is collected: when that happens is a matter of time.
    const node = [process.execPath, '--no-opt', '--min-semi-space-size=64', '--max-semi-space-size=64']
    await output('valgrind', [...valgrind, ...node, fixture('many'), String(children)], { BROOD_SPAWN: 'posix_spawn' })
    const first = (await readdir(directory)).find((name) => name.endsWith('-01'))
    return Number(/^totals: (\d+)/m.exec(await readFile(join(directory, first!), 'utf8'))![1])
  } finally {
    await rm(directory, { recursive: true })
  }
}

const title = 'a child costs the JavaScript thread at most 80,000 unoptimised instructions'
counted(isCounted ? title : `${title} (skipped: no valgrind that runs this Node.js)`, async (t) => {
  t.timeout(200_000)
  const [few, many] = [await instructions(200), await instructions(1200)]
  const each = (many - few) / 1000
  t.log(`${Math.round(each)} instructions`)
  t.true(each > 10_000, 'less than can be: nothing was measured')
  t.true(each <= BUDGET, `${Math.round(each)} instructions, more than ${BUDGET}`)
})
