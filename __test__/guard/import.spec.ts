// What an import of brood loads besides brood.

import test from 'ava'

import { fixture, output } from './count.ts'

test('an import loads next to nothing of Node, and streams and sockets least of all', async (t) => {
  const names = JSON.parse(await output(process.execPath, [fixture('loaded')])) as string[]
  t.deepEqual(
    names.filter((name) => !/ (os|url|module|events|internal\/(source_map|modules)\/.*)$/.test(name)),
    [],
  )
})
