import test from 'ava'
import * as fc from 'fast-check'
import { PidMap } from '../../src/hierarchy/pid-map.ts'

test('values come in the order of their numbers', (t) => {
  const map = new PidMap<string>()
  for (const pid of [5, 2, 9, 1]) map.set(pid, `#${pid}`)
  t.deepEqual(map.values(), ['#1', '#2', '#5', '#9'])
})

test('a number may be 0, as the group of a thread of the kernel is', (t) => {
  const map = new PidMap<string>()
  map.set(0, 'kernel')
  map.set(7, 'other')
  t.deepEqual(map.values(), ['kernel', 'other'])
  t.is(map.get(0), 'kernel')
})

test('reading twice gives the same array, until something changes', (t) => {
  const map = new PidMap<number>()
  t.is(map.values(), map.values())
  map.set(1, 1)
  const before = map.values()
  t.is(map.values(), before)
  map.set(2, 2)
  t.deepEqual(before, [1])
  t.deepEqual(map.values(), [1, 2])
})

test('whatever is set and deleted, the map is what a plain Map sorted by key is', (t) => {
  const operation = fc.record({
    kind: fc.constantFrom('set', 'set', 'set', 'delete', 'look', 'read', 'clear'),
    pid: fc.integer({ min: 0, max: 20 }),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const [map, plain] = [new PidMap<number>(), new Map<number, number>()]
      for (const [index, { kind, pid }] of operations.entries()) {
        if (kind === 'set') {
          map.set(pid, index)
          plain.set(pid, index)
        } else if (kind === 'delete') {
          map.delete(pid)
          plain.delete(pid)
        } else if (kind === 'clear' && index % 4 === 0) {
          map.clear()
          plain.clear()
        } else if (kind === 'look') {
          map.has(pid)
        } else {
          map.values()
        }
      }
      const sorted = [...plain].toSorted(([a], [b]) => a - b).map(([, value]) => value)
      t.deepEqual(map.values(), sorted)
      t.is(map.size, plain.size)
      for (let pid = 0; pid <= 20; pid += 1) {
        t.is(map.get(pid), plain.get(pid))
        t.is(map.has(pid), plain.has(pid))
      }
    }),
    { numRuns: 300 },
  )
})
