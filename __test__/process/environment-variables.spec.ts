import { readFileSync } from 'node:fs'
import test from 'ava'
import { run } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'

checkLeaks(test)

/** The environment of a child, as the kernel has it, in its order. */
const environmentOf = async (env: Record<string, string | undefined> | undefined): Promise<string[]> => {
  const { stdout } = await run('/bin/cat', ['/proc/self/environ'], env === undefined ? {} : { env })
  return stdout.split('\0').slice(0, -1)
}

test('it is exactly what was asked for, in that order', async (t) => {
  t.deepEqual(await environmentOf({ B: '2', A: '1', C: '' }), ['B=2', 'A=1', 'C='])
})

test('it can be empty', async (t) => {
  t.deepEqual(await environmentOf({}), [])
})

test('values may hold anything but NUL', async (t) => {
  const env = { LINES_: 'a\nb', EQUALS: 'a=b=c', UNICODE: 'ü 日本 👍', SPACES: '  ', 'A B': 'odd', ünï: 'name' }
  t.deepEqual(
    await environmentOf(env),
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
  )
})

test('names whose value is undefined are left out', async (t) => {
  t.deepEqual(await environmentOf({ A: '1', B: undefined, C: '3' }), ['A=1', 'C=3'])
})

test('inherited names count', async (t) => {
  const env = Object.create({ BASE: 'inherited', OVERRIDDEN: 'base' }) as Record<string, string>
  env['OVERRIDDEN'] = 'own'
  const found = await environmentOf(env)
  t.deepEqual(found.toSorted(), ['BASE=inherited', 'OVERRIDDEN=own'])
})

test('an inherited name can be taken out with undefined', async (t) => {
  const env = Object.create({ A: '1', B: '2' }) as Record<string, string | undefined>
  env['A'] = undefined
  t.deepEqual(await environmentOf(env), ['B=2'])
})

test('names that cannot be listed are no variables', async (t) => {
  const env = Object.defineProperty({ A: '1' }, 'HIDDEN', { value: 'x', enumerable: false })
  t.deepEqual(await environmentOf(env as Record<string, string>), ['A=1'])
})

test.serial('by default it is process.env as it is now', async (t) => {
  process.env['BROOD_TEST_NOW'] = 'first'
  t.true((await environmentOf(undefined)).includes('BROOD_TEST_NOW=first'))
  process.env['BROOD_TEST_NOW'] = 'second'
  const found = await environmentOf(undefined)
  t.deepEqual(
    found.toSorted(),
    Object.entries(process.env)
      .map(([name, value]) => `${name}=${value}`)
      .toSorted(),
  )
  delete process.env['BROOD_TEST_NOW']
  t.false((await environmentOf(undefined)).some((variable) => variable.startsWith('BROOD_TEST_NOW=')))
})

test('process.env can be handed over itself', async (t) => {
  const found = await environmentOf(process.env)
  t.deepEqual(
    found.toSorted(),
    Object.entries(process.env)
      .map(([name, value]) => `${name}=${value}`)
      .toSorted(),
  )
})

test('1,000 variables arrive', async (t) => {
  const env = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`V${index}`, 'x'.repeat(index % 101)]))
  t.deepEqual(
    await environmentOf(env),
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
  )
})

test('ours is not changed', async (t) => {
  const before = readFileSync('/proc/self/environ', 'utf8')
  await run('/bin/true', { env: { BROOD_TEST_ONLY_THERE: '1' } })
  t.is(readFileSync('/proc/self/environ', 'utf8'), before)
  t.is(process.env['BROOD_TEST_ONLY_THERE'], undefined)
})
