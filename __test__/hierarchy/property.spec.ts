import assert from 'node:assert/strict'
import test from 'ava'
import * as fc from 'fast-check'
import { Hierarchy, HierarchyError, type Process, type ProcessGroup, type Thread } from '../../src/hierarchy/index.ts'
import { pids, portrait } from './family.ts'
import { Oracle, type NaiveProcess, type Outcome } from './oracle.ts'

// Small numbers, so that pids and tids collide and the same processes are met again and again.
const pick = fc.nat({ max: 1_000 })
const pid = fc.integer({ min: 1, max: 16 })
const tid = fc.integer({ min: 1, max: 3 })

/** Picks by index from everything there ever was, so that zombies and freed processes are asked, too. */
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('fork' as const), at: pick, pid }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('exit' as const, 'free' as const), at: pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('subreaper' as const), at: pick, on: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('createGroup' as const, 'createSession' as const), at: pick }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('moveToGroup' as const), at: pick, group: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('newThread' as const), at: pick, tid }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('exitThread' as const), at: pick, code: fc.nat({ max: 255 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('groupExit' as const), at: pick }) },
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

const outcomeOf = (call: () => unknown): Outcome => {
  try {
    const answer = call()
    if (answer === null) return 'null'
    return typeof answer === 'boolean' ? `${answer}` : 'done'
  } catch (error) {
    if (error instanceof HierarchyError) return error.code
    throw error
  }
}

/** The real hierarchy and the oracle side by side, and every handle there ever was of both. */
class Pair {
  readonly hierarchy = new Hierarchy()
  readonly oracle = new Oracle()
  readonly #processes: [Process, NaiveProcess][] = [[this.hierarchy.init, this.oracle.init]]
  readonly #groups: [ProcessGroup, NaiveProcess['group']][] = [[this.hierarchy.init.group, this.oracle.init.group]]
  readonly #threads: [Thread, NaiveProcess][] = []

  /** Carries one operation out on both. The two outcomes. */
  apply(step: Operation): [real: Outcome, expected: Outcome] {
    const { oracle } = this
    if (step.kind === 'exitThread') return this.#exitThread(step.at, step.code)
    const [process, naive] = pickFrom(this.#processes, step.at)
    switch (step.kind) {
      case 'fork': {
        const expected = oracle.fork(naive, step.pid)
        const real = outcomeOf(() => {
          const child = process.fork(step.pid).build()
          if (typeof expected !== 'string') this.#processes.push([child, expected])
        })
        return [real, typeof expected === 'string' ? expected : 'done']
      }
      case 'exit':
        return [outcomeOf(() => process.exit()), oracle.exit(naive)]
      case 'free':
        return [outcomeOf(() => process.free()), oracle.free(naive)]
      case 'subreaper':
        naive.isSubreaper = step.on
        return [outcomeOf(() => void (process.isSubreaper = step.on)), 'done']
      case 'createGroup':
      case 'createSession': {
        const outcomes: [Outcome, Outcome] = [outcomeOf(() => process[step.kind]()), oracle[step.kind](naive)]
        if (outcomes[0] === 'done') this.#groups.push([process.group, naive.group])
        return outcomes
      }
      case 'moveToGroup': {
        const [group, naiveGroup] = pickFrom(this.#groups, step.group)
        return [outcomeOf(() => process.moveToGroup(group)), oracle.moveToGroup(naive, naiveGroup)]
      }
      case 'newThread': {
        const real = outcomeOf(() => this.#threads.push([process.newThread(step.tid).build(), naive]))
        return [real, oracle.newThread(naive, step.tid)]
      }
      case 'groupExit':
        naive.isGroupExited = true
        return [outcomeOf(() => process.groupExit()), 'done']
    }
  }

  #exitThread(at: number, code: number): [Outcome, Outcome] {
    if (this.#threads.length === 0) return ['done', 'done']
    const [thread, naive] = pickFrom(this.#threads, at)
    const runs = thread.process.threads.includes(thread)
    const real = outcomeOf(() => thread.exit(code))
    return [real, runs ? this.oracle.exitThread(naive, thread.tid, code) : 'ERR_HIERARCHY_THREAD_EXITED']
  }
}

const pickFrom = <T>(list: readonly T[], at: number): T => {
  const picked = list[at % list.length]
  if (picked === undefined) throw new Error('nothing to pick from')
  return picked
}

const isAscending = (numbers: number[]): boolean => numbers.every((number, index) => number > (numbers[index - 1] ?? 0))

/** What holds of any hierarchy at any time, whatever has been done to it. */
const assertInvariants = (hierarchy: Hierarchy): void => {
  const processes = [...hierarchy]
  assert.ok(isAscending(pids(processes)))
  assert.equal(processes.length, hierarchy.size)
  for (const process of processes) {
    assert.equal(hierarchy.get(process.pid), process)
    assert.equal(process.isInit, process === hierarchy.init)
    if (process.isInit) assert.equal(process.parent, null)
    else {
      assert.ok(process.parent !== null && !process.parent.isZombie)
      assert.equal(hierarchy.get(process.parent.pid), process.parent)
      assert.ok(process.parent.children.includes(process))
    }
    if (process.isZombie) assert.equal(process.children.length + process.threads.length, 0)
    assert.ok(isAscending(pids(process.children)))
    for (const child of process.children) assert.equal(child.parent, process)
    for (const thread of process.threads) assert.equal(thread.process, process)

    const { group } = process
    assert.ok(group.processes.includes(process))
    assert.ok(isAscending(pids(group.processes)))
    for (const member of group.processes) assert.equal(member.group, group)
    const { session } = group
    assert.ok(session.processGroups.includes(group))
    assert.ok(isAscending(session.processGroups.map(({ pgid }) => pgid)))
    for (const one of session.processGroups) {
      assert.equal(one.session, session)
      assert.ok(one.processes.length > 0)
    }
  }
}

const failed = ({ kind }: Operation, outcome: Outcome): boolean =>
  outcome.startsWith('ERR_') || outcome === 'null' || (kind === 'moveToGroup' && outcome === 'false')

const play = (steps: readonly Operation[]): void => {
  const pair = new Pair()
  let before = portrait(pair.hierarchy)
  for (const step of steps) {
    const [real, expected] = pair.apply(step)
    assert.equal(real, expected)
    const after = portrait(pair.hierarchy)
    assert.deepEqual(after, pair.oracle.portrait())
    if (failed(step, real)) assert.deepEqual(after, before)
    assertInvariants(pair.hierarchy)
    before = after
  }
}

test('after any operations the invariants hold, the oracle agrees, and what failed has changed nothing', (t) => {
  fc.assert(fc.property(fc.array(operation, { minLength: 20, maxLength: 80 }), play), { numRuns: 400 })
  t.pass()
})

test('in deep families with changing subreapers the oracle agrees, too', (t) => {
  const chain = Array.from({ length: 14 }, (_, index): Operation => ({ kind: 'fork', at: index, pid: index + 2 }))
  const change = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('subreaper' as const), at: pick, on: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('exit' as const), at: pick }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('free' as const), at: pick }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('fork' as const), at: pick, pid: fc.integer({ min: 2, max: 40 }) }),
    },
  )
  fc.assert(
    fc.property(fc.array(change, { minLength: 20, maxLength: 60 }), (changes) => play([...chain, ...changes])),
    { numRuns: 300 },
  )
  t.pass()
})
