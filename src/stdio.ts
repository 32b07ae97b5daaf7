import type { Readable, Writable } from 'node:stream'

import type { Complaint } from './complaint.ts'
import { descriptorOf, isEmpty } from './streams.ts'

/**
 * What one of the child's descriptors is to be. A stream has to have a descriptor: those of files, terminals and sockets,
 * and our ends of another child's pipes, which are moved to the new child.
 */
export type Stdio = 'pipe' | 'inherit' | 'ignore' | number | { fd: number } | Readable | Writable | null | undefined

/** The kinds that the binding knows, with a value each: `crate/core/src/spawn/request.rs` has the same numbers. */
export const KIND = { null: 0, inherit: 1, pipe: 2, closed: 3, sameAs: 4, hand: 5 } as const

/** One of the child's descriptors, as the request has it. */
export interface Descriptor {
  readonly kind: number
  readonly value: number
  /** A stream of another child that is moved to this one: closed here once the new child has it. */
  readonly moved?: { destroy(): unknown }
}

const NULL: Descriptor = { kind: KIND.null, value: 0 }
const PIPE: Descriptor = { kind: KIND.pipe, value: 0 }
const CLOSED: Descriptor = { kind: KIND.closed, value: 0 }
const SAME_AS_STDOUT: Descriptor = { kind: KIND.sameAs, value: 1 }

/** Three pipes: what a child gets that was not asked for anything else. */
export const ALL_PIPES: readonly Descriptor[] = [PIPE, PIPE, PIPE]

/** The options that say what becomes of the child's descriptors. */
export interface StdioOptions {
  stdio?: Stdio | readonly (Stdio | 'stdout')[] | undefined
  stdin?: Stdio
  stdout?: Stdio
  stderr?: Stdio | 'stdout'
}

const ALLOWED = "'pipe', 'inherit', 'ignore', a file descriptor, or a stream that has one"

/** What one word for all three comes to: shared, because a child keeps its list for as long as it lives. */
export const ALL: Readonly<Record<string, readonly Descriptor[]>> = {
  pipe: ALL_PIPES,
  ignore: [NULL, NULL, NULL],
  inherit: [0, 1, 2].map((value) => ({ kind: KIND.inherit, value })),
}

const toDescriptor = (value: unknown, index: number, option: string, complaint: Complaint): Descriptor => {
  switch (value) {
    case undefined:
    case null:
      return index < 3 ? PIPE : CLOSED
    case 'pipe':
      return PIPE
    case 'ignore':
      return NULL
    case 'inherit':
      return { kind: KIND.inherit, value: index }
    case 'stdout':
      if (index === 2) return SAME_AS_STDOUT
      throw complaint.type(option, value, `${ALLOWED} ('stdout' is for stderr alone)`)
  }
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff) return { kind: KIND.inherit, value }
    throw complaint.range(option, value, 'a file descriptor, an integer of 0 or more')
  }
  if (typeof value === 'object' && value !== null) {
    const { fd, isOurs } = descriptorOf(value)
    if (fd !== undefined) {
      // The end of another child's pipe is moved, not copied: as long as we held it too, that child would never see
      // that its reader is gone.
      return isOurs
        ? { kind: KIND.hand, value: fd, moved: value as { destroy(): unknown } }
        : { kind: KIND.inherit, value: fd }
    }
    // What a child reads there is what there is to be read of that stream: its end.
    if (isEmpty(value)) return NULL
    throw complaint.type(option, value, `${ALLOWED} (this one has no file descriptor, or none yet)`)
  }
  throw complaint.type(option, value, ALLOWED)
}

/**
 * Brings `stdio`, `stdin`, `stdout` and `stderr` into one list. The single ones have the last word.
 *
 * @throws {SpawnError} for anything that is none of the allowed values.
 */
export const toDescriptors = (options: StdioOptions, complaint: Complaint): readonly Descriptor[] => {
  const { stdio, stdin, stdout, stderr } = options
  if (stdin === undefined && stdout === undefined && stderr === undefined) {
    if (stdio === undefined) return ALL_PIPES
    const all = typeof stdio === 'string' && Object.hasOwn(ALL, stdio) ? ALL[stdio] : undefined
    if (all !== undefined) return all
  }
  const list = Array.isArray(stdio) ? (stdio as readonly unknown[]) : [stdio, stdio, stdio]
  const descriptors: Descriptor[] = []
  const count = Math.max(3, list.length)
  for (let index = 0; index < count; index++) {
    const single = index === 0 ? stdin : index === 1 ? stdout : index === 2 ? stderr : undefined
    if (single !== undefined) {
      descriptors.push(toDescriptor(single, index, ['stdin', 'stdout', 'stderr'][index]!, complaint))
    } else {
      descriptors.push(toDescriptor(list[index], index, Array.isArray(stdio) ? `stdio[${index}]` : 'stdio', complaint))
    }
  }
  return descriptors
}
