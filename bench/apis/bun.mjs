// Bun.spawn.

/* global Bun */

export const start = (file, args, stdio) => Bun.spawn([file, ...args], { stdio: [stdio, stdio, stdio] })

export const onExit = (child, callback) => void child.exited.then(callback)

export const streams = (child) => [child.stdin, child.stdout, child.stderr]

export const kill = (child) => child.kill('SIGKILL')

export const tidy = (child) => void child.stdin?.end?.()

export const output = async (file, args, { encoding = 'utf8' } = {}) => {
  const child = Bun.spawn([file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const whole = encoding === 'buffer' ? child.stdout.bytes() : child.stdout.text()
  const [stdout] = await Promise.all([whole, child.stderr.text(), child.exited])
  return stdout
}

export const stream = async (file, args, onData) => {
  const child = Bun.spawn([file, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const chunk of child.stdout) onData(chunk)
  await child.exited
}
