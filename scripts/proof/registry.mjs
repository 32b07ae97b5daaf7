// A registry of our packages alone, on this machine, as they would be in the real one: so that each package manager picks the
// platform package by itself, by `os`, `cpu` and `libc`, as it does for a user. Nothing but the address differs.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/** Some package managers do not install what was published today. */
const PUBLISHED = new Date(Date.now() - 90 * 24 * 60 * 60 * 1000).toISOString()

const tarballPath = ({ name, version }) => `/-/${encodeURIComponent(name)}-${version}.tgz`

const document = (url, { manifest, bytes }) => {
  const { name, version } = manifest
  const dist = {
    tarball: `${url}${tarballPath(manifest)}`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
  }
  return {
    _id: name,
    name,
    'dist-tags': { latest: version },
    time: { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED },
    versions: { [version]: { _id: `${name}@${version}`, ...manifest, dist } },
  }
}

/**
 * Serves packages.
 *
 * @returns its address, the names of the packages that were downloaded since {@link forget} was called, and how to end it.
 */
export const startRegistry = async (packages) => {
  const served = packages.map(({ manifest, tarball }) => ({ manifest, bytes: readFileSync(tarball) }))
  const downloads = new Set()
  const server = createServer(({ url: address }, response) => {
    const path = decodeURIComponent(new URL(address, url).pathname)
    const described = served.find(({ manifest }) => path === `/${manifest.name}`)
    const packed = served.find(({ manifest }) => path === decodeURIComponent(tarballPath(manifest)))
    if (described !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document(url, described)))
    } else if (packed !== undefined) {
      downloads.add(packed.manifest.name)
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(packed.bytes)
    } else {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}')
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  return {
    url,
    downloads,
    forget: () => downloads.clear(),
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
