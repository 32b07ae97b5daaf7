#!/bin/sh
# sh scripts/ci/specs.sh [MODE …]: runs the specs against the binary that is there, which another job has built. A MODE is
# what to set, as BROOD_REAPER=sigchld; the specs of processes run once more with each. Made for a container in which there
# is nothing but Node: it needs no Rust, and takes npm's word for what fits this system.
set -eu
cd "$(dirname "$0")/../.."
# The lock file lists some tools' binaries for the systems that it was made on alone, and npm then installs no others
# (npm/cli#4828). What is tested here has no dependencies.
rm -f package-lock.json
npm install --no-audit --no-fund --no-save --loglevel=error
npm run --silent build:typescript
node --input-type=module --eval "
  const { capabilities } = await import('brood')
  console.log(process.version, process.platform, process.arch, capabilities())
"
# The one that builds a launcher with cargo has a job of its own.
npx ava '__test__/**/*.spec.ts' '!__test__/seccomp.spec.ts'
for mode in "$@"; do
  echo "• specs of processes with $mode"
  # shellcheck disable=SC2086 # one or more assignments
  env $mode npx ava '__test__/process/**/*.spec.ts'
done
