import test from 'ava'
import { Hierarchy } from '../../src/hierarchy/index.ts'
import { chain, child, pids } from './family.ts'

/** Init and a chain of processes 2 to 7. */
const family = () => {
  const hierarchy = new Hierarchy()
  const [p2, p3, p4, p5, p6, p7] = chain(hierarchy, 2, 3, 4, 5, 6, 7)
  if (!p2 || !p3 || !p4 || !p5 || !p6 || !p7) throw new Error('a chain has as many processes as pids')
  return { hierarchy, init: hierarchy.init, p2, p3, p4, p5, p6, p7 }
}

test('nobody is a subreaper to begin with', (t) => {
  const { init, p2 } = family()
  t.false(init.isSubreaper)
  t.false(p2.isSubreaper)
})

test('the nearest subreaper above adopts', (t) => {
  const { p2, p3, p5, p6 } = family()
  p2.isSubreaper = true
  p3.isSubreaper = true
  p5.exit()
  t.is(p6.parent, p3)
  t.deepEqual(pids(p3.children), [4, 6])
})

test('a subreaper that is a zombie does not adopt', (t) => {
  const { p2, p3, p5, p6 } = family()
  p2.isSubreaper = true
  p3.isSubreaper = true
  p3.exit()
  p5.exit()
  t.is(p6.parent, p2)
})

test('a subreaper that has adopted and exited since does not adopt again', (t) => {
  const { p2, p3, p5, p6, p7 } = family()
  p2.isSubreaper = true
  p3.isSubreaper = true
  p6.exit()
  t.is(p7.parent, p3)
  p3.exit()
  child(p5, 8)
  p5.exit()
  t.is(p6.parent, p2)
  t.deepEqual(pids(p2.children), [3, 4, 6, 7, 8])
})

test('the children of a subreaper that exits go to the next one above', (t) => {
  const { p2, p4, p5 } = family()
  p2.isSubreaper = true
  p4.isSubreaper = true
  p4.exit()
  t.is(p5.parent, p2)
})

test('without a living subreaper above, init adopts', (t) => {
  const { init, p2, p3, p5, p6, p7 } = family()
  p2.isSubreaper = true
  p2.exit()
  p3.exit()
  p7.isSubreaper = true
  p5.exit()
  t.is(p6.parent, init)
})

test('a subreaper beside or below does not adopt', (t) => {
  const { init, p2, p3, p6 } = family()
  child(p2, 20).isSubreaper = true
  p6.isSubreaper = true
  p2.exit()
  t.is(p3.parent, init)
})

test('a subreaper that resigns is passed over from then on', (t) => {
  const { init, p2, p4, p5, p6, p7 } = family()
  p2.isSubreaper = true
  p6.exit()
  t.is(p7.parent, p2)
  p2.isSubreaper = false
  p4.exit()
  t.is(p5.parent, init)
})

test('a process that becomes a subreaper late adopts for those already below it', (t) => {
  const { p2, p3, p5, p6, p7 } = family()
  p2.isSubreaper = true
  p6.exit()
  t.is(p7.parent, p2)
  p3.isSubreaper = true
  child(p5, 8)
  p5.exit()
  t.deepEqual(pids(p3.children), [4, 6, 8])
})

test('a subreaper that resigns and comes back adopts again', (t) => {
  const { p2, p3, p4, p5, p6, p7 } = family()
  p2.isSubreaper = true
  p3.isSubreaper = true
  p6.exit()
  t.is(p7.parent, p3)
  p3.isSubreaper = false
  child(p4, 8)
  p5.exit()
  t.is(p6.parent, p2)
  p3.isSubreaper = true
  p4.exit()
  t.is(p5.parent, p3)
})

test('a subreaper adopts its grandchildren when its own child exits', (t) => {
  const { p2, p3, p4 } = family()
  p2.isSubreaper = true
  p3.exit()
  t.is(p4.parent, p2)
  t.deepEqual(pids(p2.children), [3, 4])
})

test('a child does not inherit the role', (t) => {
  const { p2 } = family()
  p2.isSubreaper = true
  t.false(child(p2, 20).isSubreaper)
})

test('init adopts whether it is marked as a subreaper or not', (t) => {
  const { init, p2, p3, p4 } = family()
  init.isSubreaper = true
  p2.exit()
  t.is(p3.parent, init)
  init.isSubreaper = false
  p3.exit()
  t.is(p4.parent, init)
})

test('marking a zombie is allowed and means nothing', (t) => {
  const { init, p2, p5, p6 } = family()
  p2.exit()
  p2.isSubreaper = true
  t.true(p2.isSubreaper)
  p5.exit()
  t.is(p6.parent, init)
})
