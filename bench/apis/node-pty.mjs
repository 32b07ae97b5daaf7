// A terminal instead of pipes: what it prints comes back with \r\n.

import { resolve } from '../peers/resolve.mjs'

const { spawn } = (await import(resolve('@lydell/node-pty'))).default

export const output = (file, args) =>
  new Promise((done) => {
    const terminal = spawn(file, args, { env: process.env })
    let text = ''
    terminal.onData((data) => {
      text += data
    })
    terminal.onExit(() => done(text.replaceAll('\r\n', '\n')))
  })
