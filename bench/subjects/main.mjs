// A subject: run by the engine under test, in a process of its own, with `key=value` pairs. Prints one line of JSON.

import { writeSync } from 'node:fs'

import { hold } from './memory.mjs'

const [name, ...pairs] = process.argv.slice(2)
const parameters = Object.fromEntries(
  pairs.map((pair) => {
    const at = pair.indexOf('=')
    const value = pair.slice(at + 1)
    return [pair.slice(0, at), /^\d+$/.test(value) ? Number(value) : value]
  }),
)
// An import is what is measured there: nothing of it may be loaded beforehand.
const api = name === 'import' ? undefined : await import(`../apis/${parameters.api}.mjs`)
const held = hold(parameters.held ?? 0)
const { measure } = await import(`./${name}.mjs`)
const figures = await measure(api, parameters)
if (held.length > 0 && held[0][0] !== 1) throw new Error('what was held is gone')
writeSync(1, `${JSON.stringify(figures)}\n`)
process.exit(0)
