import { resolve } from '../peers/resolve.mjs'

const { execa } = await import(resolve('execa'))

export const output = async (file, args) => (await execa(file, args, { stripFinalNewline: false })).stdout
