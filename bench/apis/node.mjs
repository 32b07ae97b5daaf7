// node:child_process.

import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export const start = (file, args, stdio) => spawn(file, args, { stdio })

export const onExit = (child, callback) => void child.once('exit', callback)

export const streams = (child) => [child.stdin, child.stdout, child.stderr]

export const kill = (child) => child.kill('SIGKILL')

export const tidy = () => {}

export const output = async (file, args, { encoding = 'utf8' } = {}) =>
  (await execute(file, args, { encoding, maxBuffer: Infinity })).stdout

export const stream = async (file, args, onData) => {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.on('data', onData)
  await new Promise((resolve) => child.once('close', resolve))
}
