// require() with types, in what stays valid JavaScript when they are stripped.
const { join }: typeof import('node:path') = require('node:path')
const brood: typeof import('brood', { with: { 'resolution-mode': 'require' } }) = require('brood')

const killed: Promise<string | null> = (async () => {
  const child = brood.spawn('sleep', ['1000'])
  child.kill('SIGINT')
  return (await child.wait()).signal
})()

void killed.then(async (signal) => {
  if (signal !== 'SIGINT') throw new Error(`it ended by ${signal}`)
  // @ts-expect-error: plain JavaScript, without types of its own.
  const { check } = await import('./checks.mjs')
  await check(brood, join(__dirname, 'worker.cjs'))
})
