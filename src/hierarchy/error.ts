/**
 * Every code a {@link HierarchyError} can carry. The set is closed: a `switch` over it can be exhaustive.
 *
 * - `ERR_HIERARCHY_BAD_PID`: a pid is not a positive safe integer.
 * - `ERR_HIERARCHY_PID_EXISTS`: a pid is taken, by a process (zombies included) or by a process group or session of that
 *   number that still has members.
 * - `ERR_HIERARCHY_BAD_TID`: a thread id is not a positive safe integer.
 * - `ERR_HIERARCHY_TID_EXISTS`: the process already has a thread of that id.
 * - `ERR_HIERARCHY_BAD_EXIT_CODE`: an exit code is not a safe integer.
 * - `ERR_HIERARCHY_BUILT`: a builder was used after it had built.
 * - `ERR_HIERARCHY_INIT_EXIT`: init was told to exit.
 * - `ERR_HIERARCHY_ZOMBIE`: the process has exited, so it can do nothing more.
 * - `ERR_HIERARCHY_NOT_ZOMBIE`: a running process was to be freed.
 * - `ERR_HIERARCHY_FREED`: the process was freed, so it is no longer part of the hierarchy.
 * - `ERR_HIERARCHY_THREAD_EXITED`: the thread has exited, by itself or with its process.
 * - `ERR_HIERARCHY_FOREIGN_GROUP`: the group to move to is not a process group of this hierarchy.
 * - `ERR_HIERARCHY_GONE`: nobody held the `Hierarchy` or its init any more, and it was garbage-collected.
 */
export type HierarchyErrorCode =
  | 'ERR_HIERARCHY_BAD_PID'
  | 'ERR_HIERARCHY_PID_EXISTS'
  | 'ERR_HIERARCHY_BAD_TID'
  | 'ERR_HIERARCHY_TID_EXISTS'
  | 'ERR_HIERARCHY_BAD_EXIT_CODE'
  | 'ERR_HIERARCHY_BUILT'
  | 'ERR_HIERARCHY_INIT_EXIT'
  | 'ERR_HIERARCHY_ZOMBIE'
  | 'ERR_HIERARCHY_NOT_ZOMBIE'
  | 'ERR_HIERARCHY_FREED'
  | 'ERR_HIERARCHY_THREAD_EXITED'
  | 'ERR_HIERARCHY_FOREIGN_GROUP'
  | 'ERR_HIERARCHY_GONE'

/**
 * Says that the hierarchy was asked for something it cannot do. The call that threw it changed nothing.
 */
export class HierarchyError extends Error {
  static {
    // On the prototype, as Node's own errors have it: the name is no property of each single error.
    Object.defineProperty(this.prototype, 'name', { value: 'HierarchyError', writable: true, configurable: true })
  }

  /** What went wrong, for programs; the message says the same for people. */
  readonly code: HierarchyErrorCode

  constructor(code: HierarchyErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
