// That a spawn neither puts the calling thread to sleep nor takes its memory away, counted by the kernel.

import test from 'ava'

import { fixture, output, unusual } from './count.ts'

const reason = await unusual()
const counted = reason === undefined ? test : test.skip
const title = 'a spawn does not put the calling thread to sleep, and takes no page from it'

counted(reason === undefined ? title : `${title} (skipped: ${reason})`, async (t) => {
  const { sleeps, faults } = JSON.parse(await output(process.execPath, [fixture('stops')])) as Record<string, number>
  t.log(`${sleeps} sleeps and ${faults} page faults per spawn`)
  // vfork and posix_spawn: one each. What is left are locks that the child holds for a moment.
  t.true(sleeps! < 0.5, `${sleeps} sleeps per spawn`)
  // fork: all 4,096 pages that were touched.
  t.true(faults! < 100, `${faults} page faults per spawn`)
})
