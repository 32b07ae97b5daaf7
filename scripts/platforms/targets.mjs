// The builds that brood is published as. The same list stands in package.json (napi.targets), where npm packages are made
// from it; `scripts/platforms.mjs` fails if they differ.

/** The oldest glibc that a gnu build is linked for: what Rust's own standard library needs. Below the floor that is promised. */
const GLIBC = '2.17'

/**
 * @typedef {object} Target
 * @property {string} triple as Rust names it
 * @property {string} name as the npm package and the binary name it
 * @property {'linux' | 'darwin' | 'freebsd'} os as Node names it
 * @property {'x64' | 'arm64'} arch as Node names it
 * @property {string} linked the triple as `cargo zigbuild` takes it
 */

/** @type {Target[]} */
export const TARGETS = [
  ['x86_64-unknown-linux-gnu', 'linux-x64-gnu', `.${GLIBC}`],
  ['aarch64-unknown-linux-gnu', 'linux-arm64-gnu', `.${GLIBC}`],
  ['x86_64-unknown-linux-musl', 'linux-x64-musl', ''],
  ['aarch64-unknown-linux-musl', 'linux-arm64-musl', ''],
  ['x86_64-apple-darwin', 'darwin-x64', ''],
  ['aarch64-apple-darwin', 'darwin-arm64', ''],
  ['x86_64-unknown-freebsd', 'freebsd-x64', ''],
].map(([triple, name, suffix]) => {
  const [os, arch] = name.split('-')
  return { triple, name, os, arch, linked: `${triple}${suffix}` }
})
