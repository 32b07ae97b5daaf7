// npm test: installs, builds, lints, tests, all of it. `npm test -- NAME …` runs the specs of those names alone.

import { build, install, root, sh, step } from './setup.mjs'

const ava = (files = [], env = {}) => sh('node_modules/.bin/ava', files, { env })

install()
build()

const wanted = process.argv.slice(2)
if (wanted.length > 0) {
  ava(wanted.map((name) => `__test__/**/${name}.spec.ts`))
  process.exit()
}

step('lint', () => sh('npm', ['run', '--silent', 'lint']))
step('cargo tests', () => sh('cargo', ['test', '--locked', '--quiet', '--package', 'brood-core']))
step('loom models', () =>
  sh(
    'cargo',
    ['test', '--locked', '--quiet', '--package', 'brood-core', '--release', '--lib', '--test', 'loom', 'loom_'],
    {
      // A directory of its own: with other flags in the same one, cargo would build everything anew each time.
      env: { RUSTFLAGS: '--cfg loom', CARGO_TARGET_DIR: `${root}/target/loom` },
    },
  ),
)
step('the packages, as a user gets them', () => sh('node', ['scripts/proof.mjs', '--quick'], { quiet: true }))
step('specs', () => ava())
// However children are made, and however their ends are noticed. What has to do with neither runs once.
for (const env of [
  { BROOD_REAPER: 'sigchld' },
  { BROOD_SPAWN: 'clone' },
  { BROOD_SPAWN: 'posix_spawn', BROOD_REAPER: 'sigchld' },
]) {
  const name = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  step(`specs of processes with ${name.join(' ')}`, () => ava(['__test__/process/**/*.spec.ts'], env))
}
