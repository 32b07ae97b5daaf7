import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { Hierarchy, HierarchyError, type Process } from '../../src/hierarchy/index.ts'
import { child } from './family.ts'

/**
 * Collects garbage until all of these are gone. A WeakRef keeps its target to the end of the job that made or read it, so
 * that takes more than one turn.
 */
const collected = async (refs: readonly WeakRef<object>[], attempts = 50): Promise<boolean> => {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('run with --expose-gc, as the ava configuration does')
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await setImmediate()
    collect()
    await setImmediate()
    if (refs.every((ref) => ref.deref() === undefined)) return true
  }
  return false
}

/**
 * Raises a family: init, its child 2 and the children of that, 3 and 4. What stays of it is what `keep` picks, and a weak
 * reference to each of the rest. The family is made in here so that no variable of a test holds on to it.
 */
const raise = <T>(keep: (hierarchy: Hierarchy, parent: Process, held: Process) => T) => {
  const hierarchy = new Hierarchy()
  const parent = child(hierarchy.init, 2)
  const [sibling, held] = [child(parent, 3), child(parent, 4)]
  const refs = [hierarchy, hierarchy.init, parent, sibling].map((one) => new WeakRef<object>(one))
  return { kept: keep(hierarchy, parent, held), refs }
}

test('a held child keeps neither its parent nor its siblings nor its hierarchy in memory', async (t) => {
  const { kept, refs } = raise((_hierarchy, _parent, held) => held)
  t.true(await collected(refs))
  t.is(kept.parent, null)
  t.is(kept.group.processes.length, 1)
})

test('a held orphan keeps neither its old parent nor its new one in memory', async (t) => {
  const { kept, refs } = raise((hierarchy, parent, held) => {
    parent.exit()
    t.is(held.parent, hierarchy.init)
    return held
  })
  t.true(await collected(refs))
  t.is(kept.parent, null)
})

test('whoever holds a process without its hierarchy is told so', async (t) => {
  const { kept, refs } = raise((_hierarchy, _parent, held) => held)
  t.true(await collected(refs))
  for (const act of [() => kept.fork(5), () => kept.exit(), () => kept.createGroup(), () => kept.newThread(4)]) {
    const error = t.throws(act, { instanceOf: HierarchyError, code: 'ERR_HIERARCHY_GONE' })
    t.regex(error?.message ?? '', /hold the Hierarchy or its init/)
  }
  t.false(kept.isZombie)
  t.false(kept.isInit)
})

test('init keeps its hierarchy going, although not the Hierarchy object', async (t) => {
  const { kept, refs } = raise((hierarchy) => hierarchy.init)
  t.true(await collected(refs.slice(0, 1)))
  kept.children[0]?.exit()
  t.is(kept.children.length, 3)
})

test('a parent keeps its descendants in memory, and they their threads', async (t) => {
  const { kept, refs } = raise((hierarchy, parent) => {
    parent.children[0]?.newThread(3).build()
    return hierarchy
  })
  t.false(await collected(refs.slice(3), 5))
  t.is(kept.get(3)?.threads.length, 1)
})

test('a held group keeps none of its members in memory', async (t) => {
  const { kept, refs } = raise((hierarchy) => hierarchy.init.group)
  t.true(await collected(refs))
  t.deepEqual(kept.processes, [])
})

test('a freed process is not kept in memory, although others still remember it as their subreaper', async (t) => {
  const { kept, refs } = raise((hierarchy, parent, held) => {
    parent.isSubreaper = true
    child(child(held, 5), 6)
    held.exit()
    t.is(hierarchy.get(5)?.parent, parent)
    parent.exit()
    parent.free()
    return hierarchy
  })
  t.true(await collected(refs.slice(2, 3)))
  kept.get(5)?.exit()
  t.is(kept.get(6)?.parent, kept.init)
})
