// Each test runs in both modes by itself: what is tested is how they get on with others.
import { spawnSync } from 'node:child_process'

import test from 'ava'

import { fixture, runNode } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'

checkLeaks(test)

/** Why there is no terminal to be had here, if there is none. */
const probe = "require('@lydell/node-pty').spawn('true', [], {}).onExit(({ exitCode }) => process.exit(exitCode))"
const { status, stderr } = spawnSync(process.execPath, ['-e', probe], { encoding: 'utf8', timeout: 20_000 })
const skipped =
  status === 0 ? undefined : (stderr.split('\n').find((line) => line.includes('Error')) ?? `code ${status}`)
const check = skipped === undefined ? test.serial : test.serial.skip

for (const reaper of ['pidfd', 'sigchld']) {
  for (const first of ['brood', 'node-pty']) {
    const title = `brood and node-pty in one program, ${first} first, in ${reaper} mode: every exit arrives`
    check(skipped === undefined ? title : `${title} (skipped: ${skipped})`, async (t) => {
      const env = { ...process.env, BROOD_REAPER: reaper }
      const args = [fixture('neighbours/node-pty.mjs'), first, '40']
      const ended = await runNode(args, { env, timeout: 60_000 })
      t.like(ended, { code: 0, signal: null, stderr: '' })
      t.deepEqual(JSON.parse(ended.stdout) as unknown, { problems: [], reaper, orphans: 0 })
    })
  }
}
