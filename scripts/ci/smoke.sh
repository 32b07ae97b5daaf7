#!/bin/sh
# sh scripts/ci/smoke.sh: tries the binary that is there, which another job has built, in each mode that there may be.
set -eu
cd "$(dirname "$0")/../.."
# As in specs.sh.
rm -f package-lock.json
npm install --no-audit --no-fund --no-save --loglevel=error
npm run --silent build:typescript
node scripts/platforms/smoke.mjs
BROOD_SPAWN=posix_spawn BROOD_REAPER=sigchld node scripts/platforms/smoke.mjs
