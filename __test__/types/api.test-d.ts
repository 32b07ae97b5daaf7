// Proves, for `tsc --noEmit`, that 'brood' offers at least the pinned API. Nothing here is run.

import type { Readable, Writable } from 'node:stream'

import * as brood from 'brood'

import type * as Pinned from './pinned-api.d.ts'

type Brood = typeof brood
type PinnedModule = typeof Pinned

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Assignable<From, To> = [From] extends [To] ? true : false
/** Does not compile unless it is given `true`. */
type Proof<T extends true> = T

export type NothingIsMissing = [
  Proof<Equal<Exclude<keyof PinnedModule, keyof Brood>, never>>,
  Proof<Equal<Exclude<keyof Pinned.Child, keyof brood.Child>, never>>,
]

/** The pinned Child. */
interface Child extends Omit<Pinned.Child, 'ref' | 'unref'> {
  // Omit would make their `this` the whole pinned Child.
  ref(): this
  unref(): this
}

// ── Types: whoever has what is pinned can use ours, and what ours give is what is pinned.

export type Given = [
  Proof<Assignable<Pinned.SpawnOptions, brood.SpawnOptions>>,
  Proof<Assignable<Pinned.RunOptions, brood.RunOptions>>,
  Proof<Assignable<Pinned.Stdio, brood.Stdio>>,
  Proof<Equal<Pinned.Signal, brood.Signal>>,
  Proof<Equal<Pinned.Resource, brood.Resource>>,
  // No option more is required, and none is missing.
  Proof<Assignable<object, brood.SpawnOptions>>,
  Proof<Equal<Exclude<keyof Pinned.SpawnOptions, keyof brood.SpawnOptions>, never>>,
  Proof<Equal<Exclude<keyof Pinned.RunOptions, keyof brood.RunOptions>, never>>,
]

export type Taken = [
  Proof<Assignable<brood.Child, Child>>,
  Proof<Assignable<brood.Child, Pinned.Wait & Pinned.Kill>>,
  Proof<Assignable<brood.Wait, Pinned.Wait>>,
  Proof<Assignable<brood.Kill, Pinned.Kill>>,
  Proof<Assignable<brood.ExitStatus, Pinned.ExitStatus>>,
  Proof<Assignable<brood.Output, Pinned.Output>>,
  Proof<Assignable<brood.Output<Buffer>, Pinned.Output<Buffer>>>,
  Proof<Assignable<brood.OrphanQueue<brood.Child>, Omit<Pinned.OrphanQueue<Pinned.Child>, 'pushOrphan'>>>,
  Proof<Assignable<brood.Capabilities, ReturnType<PinnedModule['capabilities']>>>,
  Proof<Assignable<brood.SpawnError, Pinned.SpawnError>>,
  Proof<Assignable<brood.ExitError, Pinned.ExitError>>,
  Proof<Assignable<brood.TimeoutError, Pinned.TimeoutError>>,
  Proof<Assignable<brood.AbortError, Pinned.AbortError>>,
  Proof<Assignable<brood.SpawnError | brood.ExitError | brood.TimeoutError | brood.AbortError, Error>>,
  Proof<Equal<brood.SpawnError['step'], Pinned.SpawnError['step']>>,
  Proof<Equal<brood.TimeoutError['code'], 'ETIMEDOUT'>>,
  Proof<Equal<brood.AbortError['code'], 'ABORT_ERR'>>,
]

// ── Members whose exact type is a promise: neither wider nor narrower, and read-only where that is pinned.

type Same<Ours, Theirs, Name extends keyof Ours & keyof Theirs> = Equal<Pick<Ours, Name>, Pick<Theirs, Name>>

export type Members = [
  Proof<Same<brood.Child, Pinned.Child, 'pid' | 'spawnfile' | 'spawnargs'>>,
  Proof<Same<brood.Child, Pinned.Child, 'stdin' | 'stdout' | 'stderr' | 'stdio' | 'spawned'>>,
  Proof<Equal<brood.Child['stdin'], Writable | null>>,
  Proof<Equal<brood.Child['stdout'], Readable | null>>,
  Proof<Equal<brood.Child['exitStatus'], brood.ExitStatus | null>>,
  Proof<Equal<ReturnType<brood.Child['tryWait']>, brood.ExitStatus | null>>,
  Proof<Equal<ReturnType<brood.Child['wait']>, Promise<brood.ExitStatus>>>,
  Proof<Equal<Parameters<brood.Child['kill']>, Parameters<Pinned.Child['kill']>>>,
  Proof<Equal<ReturnType<brood.Child['kill']>, boolean>>,
  Proof<Equal<ReturnType<brood.Child['unref']>, brood.Child>>,
  Proof<Same<brood.ExitStatus, Pinned.ExitStatus, 'code' | 'signal' | 'success' | 'coreDumped' | 'duration'>>,
  Proof<Equal<brood.ExitStatus['usage']['maxRSS'], number | null>>,
  Proof<Equal<keyof brood.ExitStatus['usage'], keyof NodeJS.ResourceUsage>>,
  Proof<Same<brood.Output, Pinned.Output, 'stdout' | 'stderr' | 'truncated'>>,
  Proof<Same<brood.OrphanQueue, Pinned.OrphanQueue, 'size' | 'reapOrphans'>>,
  Proof<Same<brood.Wait, Pinned.Wait, 'pid'>>,
]

// ── Functions: every call that is pinned compiles, and gives what is pinned.

export const spawn: (file: string, args?: readonly string[], options?: Pinned.SpawnOptions) => Child = brood.spawn
export const spawnShort: (file: string, options?: Pinned.SpawnOptions) => Child = brood.spawn
export const run: (file: string, args?: readonly string[], options?: Pinned.RunOptions) => Promise<Pinned.Output> =
  brood.run
export const runShort: (file: string, options?: Pinned.RunOptions) => Promise<Pinned.Output> = brood.run
export const capabilities: PinnedModule['capabilities'] = brood.capabilities
export const stop: (options?: { signal?: Pinned.Signal; grace?: number }) => Promise<Pinned.ExitStatus> =
  brood.Child.prototype.stop
export const output: (options?: {
  encoding?: BufferEncoding | 'buffer'
  maxBuffer?: number
  drain?: number
}) => Promise<Pinned.Output<string | Buffer>> = brood.Child.prototype.output
export const pushOrphan: (orphan: brood.Child) => void = brood.orphanQueue.pushOrphan
export const on: (typeof Pinned)['orphanQueue']['on'] = brood.orphanQueue.on
export const off: (typeof Pinned)['orphanQueue']['off'] = brood.orphanQueue.off

// ── The hierarchy.

export type HierarchyIsPinned = [
  Proof<Assignable<brood.Hierarchy, Pinned.Hierarchy>>,
  Proof<Assignable<brood.Process, Pinned.Process>>,
  Proof<Assignable<brood.ProcessBuilder, Pinned.ProcessBuilder>>,
  Proof<Assignable<brood.ThreadBuilder, Pinned.ThreadBuilder>>,
  Proof<Assignable<brood.ProcessGroup, Pinned.ProcessGroup>>,
  Proof<Assignable<brood.Session, Pinned.Session>>,
  Proof<Assignable<brood.Thread, Pinned.Thread>>,
  Proof<Assignable<brood.HierarchyError, Pinned.HierarchyError>>,
]
export const hierarchy: new (initPid?: number) => Pinned.Hierarchy = brood.Hierarchy

// ── What a user writes.

export const example = async (): Promise<void> => {
  await using child = brood.spawn('sort', ['-r'], {
    cwd: new URL('file:///tmp'),
    env: { ...process.env, LANG: 'C', NOTHING: undefined },
    stdio: ['pipe', 'pipe', 'inherit', 'ignore', 7, { fd: 8 }, null, undefined],
    stderr: 'stdout',
    rlimits: { nofile: 256, core: { soft: 0, hard: Infinity } },
    parentDeathSignal: 'SIGKILL',
    signal: AbortSignal.timeout(1000),
  })
  child.stdin?.end('b\na\n')
  const status: brood.ExitStatus = await child.wait()
  const code: number | null = status.code
  const text: string = (await brood.run('echo', ['x'])).stdout
  const bytes: Buffer = (await brood.run('echo', ['x'], { encoding: 'buffer' })).stdout
  const moved = brood.spawn('head', { stdin: child.stdout })
  using orphan: Disposable = moved.ref().unref()
  brood.orphanQueue.on('reap', ({ pid, status: { signal }, adopted }) => void [pid, signal, adopted])
  void [code, text, bytes, orphan]
}

// ── What is wrong does not compile.

export const wrong = (child: brood.Child, status: brood.ExitStatus): void => {
  // @ts-expect-error a program is named by a string
  brood.spawn(42)
  // @ts-expect-error arguments are strings
  brood.spawn('x', [1])
  // @ts-expect-error there is no such option
  brood.spawn('x', { workingDirectory: '/' })
  // @ts-expect-error a signal has a known name
  brood.spawn('x', { killSignal: 'sigterm' })
  // @ts-expect-error a resource has a known name
  brood.spawn('x', { rlimits: { files: 1 } })
  // @ts-expect-error both limits, or one number
  brood.spawn('x', { rlimits: { core: { soft: 1 } } })
  // @ts-expect-error 'stdout' is for stderr alone
  brood.spawn('x', { stdin: 'stdout' })
  // @ts-expect-error an environment is made of strings
  brood.spawn('x', { env: { A: 1 } })
  // @ts-expect-error input is for run()
  brood.spawn('x', { input: 'x' })
  // @ts-expect-error no such encoding
  void brood.run('x', { encoding: 'klingon' })
  // @ts-expect-error a pid is read only
  child.pid = 1
  // @ts-expect-error a status is read only
  status.code = 0
  // @ts-expect-error no such signal
  child.kill('SIGNOPE')
  // @ts-expect-error strings by default
  const bytes: Promise<{ stdout: Buffer }> = brood.run('x')
  // @ts-expect-error may be null
  child.stdout.resume()
  // @ts-expect-error no such event
  brood.orphanQueue.on('exit', () => {})
  void bytes
}
