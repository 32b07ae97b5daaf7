// pidtree: asks `ps` for pids and parents, and nothing else.

import { resolve } from '../peers/resolve.mjs'

const { default: pidtree } = await import(resolve('pidtree'))

/** The pids of a family, by themselves. How many there are. */
export const table = async (pid) => (await pidtree(pid, { root: true })).length
