#!/bin/sh
# sh scripts/ci/packages.sh: makes what is published, from the binaries under artifacts/: npm/<platform>/ with a package each,
# and the main package here, with its optional dependencies. Publishes nothing; ends in the gate that everything must pass.
set -eu
cd "$(dirname "$0")/../.."
npx napi create-npm-dirs
npx napi artifacts --output-dir artifacts
# Without these options it would publish.
npx napi prepublish --tag-style npm --skip-optional-publish --no-gh-release
node scripts/licences.mjs npm/*/
node scripts/glibc-floor.mjs npm/linux-*/*.node npm/freebsd-*/*.node
node scripts/check-artifacts.mjs
