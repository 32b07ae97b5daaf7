import { resolve } from '../peers/resolve.mjs'

const { default: nanoSpawn } = await import(resolve('nano-spawn'))

/** It strips the last newline, with no way to keep it. */
export const output = async (file, args) => `${(await nanoSpawn(file, args)).stdout}\n`
