// What is in the packages, and what must not be.

import { strict as assert } from 'node:assert'

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare']

/** Looks through what was packed. Throws what is wrong. */
export const checkContents = ({ main, platforms }) => {
  const { manifest, files } = main
  assert.equal(manifest.os, undefined, 'the main package must install anywhere in a mixed tree')
  assert.deepEqual(manifest.dependencies ?? {}, {}, 'there are no dependencies at run time')
  assert.deepEqual(
    manifest.optionalDependencies,
    Object.fromEntries(platforms.map((platform) => [platform.manifest.name, manifest.version])),
    'each platform package, in the very version of the main package',
  )
  for (const { name, version, scripts = {} } of [manifest, ...platforms.map((platform) => platform.manifest)]) {
    assert.equal(version, manifest.version, `${name} has the one version`)
    for (const script of INSTALL_SCRIPTS)
      assert.equal(scripts[script], undefined, `${name} runs nothing when installed`)
  }
  // Old ways to look for types would take an index.ts for them.
  for (const file of files) assert.notEqual(file, 'index.ts')
  for (const file of files) assert.doesNotMatch(file, /\.node$|tsbuildinfo|spec\.ts$|^(crate|target|node_modules)\//)
  for (const file of [
    'dist/index.js',
    'dist/index.js.map',
    'dist/index.d.ts',
    'dist/cli/main.js',
    'README.md',
    'LICENSE',
  ])
    assert.ok(files.includes(file), `the main package has ${file}`)

  for (const { build, manifest: platform, files: packed } of platforms) {
    const [os, cpu, libc] = build.split('-')
    assert.equal(platform.name, `@brood/binding-${build}`)
    assert.deepEqual([platform.os, platform.cpu], [[os], [cpu]])
    assert.deepEqual(platform.libc, libc && [libc === 'gnu' ? 'glibc' : libc])
    assert.equal(platform.main, `brood.${build}.node`)
    assert.deepEqual(new Set(packed), new Set(['README.md', platform.main, 'package.json']))
  }
}
