// tree-kill: asks `ps` for the family, then signals each by its pid.

import { spawn } from 'node:child_process'

import { resolve } from '../peers/resolve.mjs'

const { default: treeKill } = await import(resolve('tree-kill'))

export const start = (file, args, stdio) => spawn(file, args, { stdio })

export const killTree = (child) => new Promise((done) => void treeKill(child.pid, 'SIGKILL', done))
