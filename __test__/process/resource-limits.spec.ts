import test from 'ava'
import { run, spawn, SpawnError, type SpawnOptions } from 'brood'

import { checkLeaks } from '../helpers/leaks.ts'
import { rejectionOf, spawnErrorOf } from '../helpers/thrown.ts'

checkLeaks(test)

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? test : test.skip
const needsRoot = isRoot ? '' : ' (needs root)'

const LIMIT_NAMES = {
  as: 'Max address space',
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  memlock: 'Max locked memory',
  nofile: 'Max open files',
  nproc: 'Max processes',
  stack: 'Max stack size',
} as const
type Limit = keyof typeof LIMIT_NAMES

const limitsOf = async (rlimits: SpawnOptions['rlimits']): Promise<Map<string, [soft: string, hard: string]>> => {
  const { stdout } = await run('/bin/cat', ['/proc/self/limits'], rlimits === undefined ? {} : { rlimits })
  return new Map(
    stdout
      .split('\n')
      .slice(1, -1)
      // It limits nothing: it is the mark by which brood knows its families.
      .filter((line) => !line.startsWith('Max file locks'))
      .map((line) => line.split(/\s{2,}/))
      .map(([name, soft, hard]) => [name!, [soft!, hard!]]),
  )
}

const GB = 2 ** 30
const values: Record<Limit, number> = {
  as: 8 * GB,
  core: 1_000_000,
  cpu: 3_000,
  data: 6 * GB,
  fsize: 5 * GB,
  memlock: 65_536,
  nofile: 200,
  nproc: 5_000,
  stack: 4 << 20,
}
for (const [resource, value] of Object.entries(values) as [Limit, number][]) {
  test(`rlimits: { ${resource} } sets both limits, or soft and hard`, async (t) => {
    const name = LIMIT_NAMES[resource]
    t.deepEqual((await limitsOf({ [resource]: value })).get(name), [String(value), String(value)])
    const [, hard] = (await limitsOf({ [resource]: { soft: value - 100, hard: value } })).get(name)!
    t.is(hard, String(value))
    t.is((await limitsOf({ [resource]: { soft: value - 100, hard: value } })).get(name)![0], String(value - 100))
  })
}

test('rlimits: Infinity is no limit', async (t) => {
  const limits = await limitsOf({ core: { soft: 0, hard: Infinity }, cpu: Infinity })
  t.deepEqual(limits.get(LIMIT_NAMES.core), ['0', 'unlimited'])
  t.deepEqual(limits.get(LIMIT_NAMES.cpu), ['unlimited', 'unlimited'])
})

test('rlimits beyond 2^53 and below Infinity cannot be asked for, those beyond 2^32 can', async (t) => {
  t.deepEqual((await limitsOf({ fsize: 2 ** 40 + 1 })).get(LIMIT_NAMES.fsize), [
    String(2 ** 40 + 1),
    String(2 ** 40 + 1),
  ])
  t.is(spawnErrorOf(() => spawn('true', { rlimits: { fsize: 2 ** 60 } })).code, 'ERR_OUT_OF_RANGE')
})

test('several rlimits at once; those that are undefined stay ours', async (t) => {
  const before = await limitsOf(undefined)
  const limits = await limitsOf({ nofile: 256, core: { soft: 0, hard: 0 }, stack: undefined } as never)
  t.deepEqual(limits.get(LIMIT_NAMES.nofile), ['256', '256'])
  t.deepEqual(limits.get(LIMIT_NAMES.core), ['0', '0'])
  t.deepEqual(limits.get(LIMIT_NAMES.stack), before.get(LIMIT_NAMES.stack))
  t.deepEqual(await limitsOf(undefined), before, 'ours are as they were')
})

test('a limit takes effect: cpu', async (t) => {
  const child = spawn('sh', ['-c', 'while :; do :; done'], { rlimits: { cpu: 1, core: 0 }, stdio: 'ignore' })
  t.true(['SIGXCPU', 'SIGKILL'].includes(String((await child.wait()).signal)))
})

test('a limit takes effect: fsize, with the signal that Node ignores for itself', async (t) => {
  const child = spawn('sh', ['-c', 'exec head -c 100000 /dev/zero > "$(mktemp -u)"'], {
    rlimits: { fsize: 0, core: 0 },
    stdio: 'ignore',
  })
  t.is((await child.wait()).signal, 'SIGXFSZ')
})

asRoot(`a limit that may not be raised rejects with EPERM at step setup${needsRoot}`, async (t) => {
  const script = `import('brood').then(async ({ spawn }) => {
    process.setgid(65534); process.setuid(65534)
    try { await spawn('true', { rlimits: { nofile: 2 ** 30 } }).wait() } catch ({ name, code, step }) { console.log(name, code, step) }
  })`
  t.is((await run(process.execPath, ['-e', script])).stdout, 'SpawnError EPERM setup\n')
})

test('a limit that the kernel does not know how to set rejects at step setup', async (t) => {
  const child = spawn('true', { rlimits: { nofile: 2 ** 40 } })
  const error = await rejectionOf(child.wait(), SpawnError)
  t.is(error.code, 'EPERM')
  t.is(error.step, 'setup')
})
