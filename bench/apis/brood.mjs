// brood, as a user has it: the package by its name.

import { processTree, run, spawn } from 'brood'

/** Starts a process, with `stdio` 'ignore' or 'pipe'. */
export const start = (file, args, stdio) => spawn(file, args, { stdio })

/** Calls back when it has ended. */
export const onExit = (child, callback) => void child.wait().then(callback)

/** All its streams: what a user does who wants to read and write. */
export const streams = (child) => [child.stdin, child.stdout, child.stderr]

export const kill = (child) => child.kill('SIGKILL')

/** Lets go of pipes that nobody has read. */
export const tidy = (child) => child[Symbol.dispose]()

/** All of stdout. `stdin: 'pipe'` makes the same three pipes that execFile makes. */
export const output = async (file, args, { encoding = 'utf8', stdin } = {}) =>
  (await run(file, args, { encoding, maxBuffer: Infinity, ...(stdin === undefined ? {} : { stdin }) })).stdout

/** Calls back for each piece of stdout; resolves at its end. */
export const stream = async (file, args, onData) => {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.on('data', onData)
  await new Promise((resolve) => child.stdout.once('close', resolve))
  await child.wait()
}

/** Kills a child and all its descendants; `null` where this build cannot. */
export const killTree = (child) => (child.killTree === undefined ? null : child.killTree('SIGKILL'))

/** A process with all its descendants: ten fields of each, command line included. How many there are. */
export const table = (pid) => processTree(pid).size
