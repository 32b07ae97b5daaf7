import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { run } from 'brood'

import { fixture } from '../helpers/fixture.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

checkLeaks(test)

/** What the kernel says a program was given as its arguments. */
const argumentsOf = async (args: readonly string[], options = {}): Promise<string[]> => {
  const { stdout } = await run('cat', ['/proc/self/cmdline', ...args], options)
  return stdout.split('\0').slice(0, -1)
}

const shown = async (args: readonly string[], options = {}): Promise<string[]> =>
  JSON.parse((await run(process.execPath, [fixture('show-arguments.mjs'), ...args], options)).stdout) as string[]

test('arguments arrive as they are', async (t) => {
  const args = [
    '',
    ' ',
    '  two  words ',
    '',
    "it's",
    '"quoted"',
    '$HOME',
    '*',
    '\\',
    '\n',
    'tab\t',
    '--',
    '-x',
    'a=b',
    '',
  ]
  t.deepEqual(await shown(args), args)
})

test('arguments in any script arrive as they are', async (t) => {
  const args = ['héllo', 'Ελλάδα', '日本語', '👩‍👩‍👧‍👦', 'עברית', 'e\u0301', '\u{10ffff}', '\u0001\u001b[31m', '\u00a0']
  t.deepEqual(await shown(args), args)
})

test('half of a surrogate pair becomes U+FFFD, as in all of Node', async (t) => {
  t.deepEqual(await shown(['a\ud800b', '\udc00']), ['a\ufffdb', '\ufffd'])
})

test('2,000 arguments arrive, each whole and in its place', async (t) => {
  const args = Array.from({ length: 2_000 }, (_, index) => `${index}:${'x'.repeat(index % 97)}`)
  t.deepEqual(await shown(args), args)
})

test('an argument of 100,000 bytes arrives whole', async (t) => {
  const args = ['ä'.repeat(50_000)]
  t.deepEqual(await shown(args), args)
})

test('argv[0] is the file as it was given', async (t) => {
  t.deepEqual(await argumentsOf([]), ['cat', '/proc/self/cmdline'])
})

test('argv0 is what the program sees as argv[0]', async (t) => {
  t.deepEqual(await argumentsOf([], { argv0: 'a cat by another name' }), [
    'a cat by another name',
    '/proc/self/cmdline',
  ])
})

test('argv0 can be empty', async (t) => {
  t.deepEqual(await argumentsOf([], { argv0: '' }), ['', '/proc/self/cmdline'])
})

test('shell: true hands file and arguments to /bin/sh', async (t) => {
  const { stdout } = await run('echo $((6 * 7));', ['echo', '$0'], { shell: true })
  t.is(stdout, '42\n/bin/sh\n')
})

test('shell: a path is the shell to use', async (t) => {
  const shell = join(temporaryDirectory(t), 'shell')
  writeFileSync(shell, '#!/bin/sh\necho "$#: $1 $2"\n', { mode: 0o755 })
  t.is((await run('one', ['two  three'], { shell })).stdout, '2: -c one two  three\n')
})

test('shell: false is no shell', async (t) => {
  t.is((await run('echo', ['$HOME'], { shell: false })).stdout, '$HOME\n')
})

test('argv0 is the argv[0] of the shell', async (t) => {
  t.is((await run('echo $0', { shell: true, argv0: 'not-sh' })).stdout, 'not-sh\n')
})
