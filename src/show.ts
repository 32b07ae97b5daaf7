import { util } from './builtins.ts'

/** As much of a value as fits on a line; never its own `toString`, which it need not have. */
export const show = (value: unknown): string =>
  util.inspect(value instanceof URL ? value.href : value, { depth: 0, maxStringLength: 64, breakLength: Infinity })
