export { adoptOrphans, type Adoption, type AdoptOptions } from './src/adopt.ts'
export { capabilities, type Capabilities } from './src/capabilities.ts'
export { Child, type Kill, type Wait } from './src/child.ts'
export {
  AbortError,
  ExitError,
  MaxBufferError,
  ProcessError,
  SpawnError,
  TimeoutError,
  WaitError,
  type SpawnStep,
} from './src/errors.ts'
export { ExitStatus, type Usage } from './src/exit-status.ts'
export * from './src/hierarchy/index.ts'
export type { Resource } from './src/option-checks.ts'
export type { SpawnOptions } from './src/options.ts'
export { orphanQueue, type OrphanQueue, type ReapedOrphan } from './src/orphan-queue.ts'
export type { Output, OutputOptions } from './src/output.ts'
export { processTree, type ProcessInfo } from './src/process-tree.ts'
export { run, type RunOptions } from './src/run.ts'
export type { Signal } from './src/signals.ts'
export { spawn } from './src/spawn.ts'
export type { Stdio } from './src/stdio.ts'
export type { StopOptions } from './src/stop.ts'
