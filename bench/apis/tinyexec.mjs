import { resolve } from '../peers/resolve.mjs'

const { x } = await import(resolve('tinyexec'))

export const output = async (file, args) => (await x(file, args)).stdout
