// ps-list: asks `ps` twice, and /proc for the path of each program.

import { resolve } from '../peers/resolve.mjs'

const { default: psList } = await import(resolve('ps-list'))

/** All processes, whichever is asked for. The number of rows. */
export const table = async () => (await psList()).length
