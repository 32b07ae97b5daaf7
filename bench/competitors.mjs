// Who takes part.

/** brood under a major version of Node.js. */
export const brood = (major, label = '', parameters = {}) => ({
  name: `brood${label}, Node ${major}`,
  engine: `node-${major}`,
  api: 'brood',
  parameters,
})

/** node:child_process of a major version of Node.js. */
export const node = (major) => ({ name: `child_process, Node ${major}`, engine: `node-${major}`, api: 'node' })

export const bun = { name: 'Bun.spawn', engine: 'bun', api: 'bun' }
export const deno = { name: 'Deno.Command', engine: 'deno', api: 'deno' }
export const posixSpawn = { name: 'native: posix_spawn', engine: 'native', api: 'posix_spawn' }
/** What brood is made of, with nothing around it: the floor. */
export const bareClone = { name: 'native: bare clone, and a second thread that waits', engine: 'native', api: 'clone' }
export const tokio = { name: 'native: Tokio', engine: 'native', api: 'tokio' }

/** A library under Node 26: the oldest that all of them run on is 22. */
export const library = (name) => ({ name, engine: 'node-26', api: name })

/** brood and node:child_process under the newest and the oldest Node.js, or all that are there. */
export const nodes = (isQuick) => (isQuick ? [20] : [20, 22, 24, 26])

export const everybody = (isQuick) => [
  ...(isQuick ? [brood(20)] : [brood(20), brood(26)]),
  ...nodes(isQuick).map((major) => node(major)),
  bun,
  deno,
]

const GIGABYTE = 2 ** 30

/** What a program holds: nothing but itself, or so much memory that it has written to. */
export const held = {
  little: { title: '~50 MB', bytes: 0 },
  much: { title: '1 GB', bytes: GIGABYTE },
  most: { title: '4 GB', bytes: 4 * GIGABYTE },
}
