#!/bin/sh
# sh scripts/ci/rust.sh [TARGET …]: the stable toolchain, with the standard libraries of these targets, for a machine that
# has rustup; and for linking, zig in a virtual environment whose directory is added to the path of the steps that follow.
set -eu
cd "$(dirname "$0")/../.."
rustup toolchain install stable --profile minimal --component clippy,rustfmt --no-self-update
rustup default stable
[ "$#" -eq 0 ] && exit 0
rustup target add "$@"
# A Mac links its own.
[ "$(uname -s)" = Linux ] || exit 0
python3 -m venv target/zig
# With the checksum of each file: what links the binaries is what was looked at.
target/zig/bin/pip install --quiet --require-hashes --only-binary :all: --requirement scripts/ci/zig.txt
echo "$PWD/target/zig/bin" >>"${GITHUB_PATH:-/dev/null}"
