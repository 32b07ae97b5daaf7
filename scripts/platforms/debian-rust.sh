#!/bin/sh
# sh scripts/platforms/debian-rust.sh [DIRECTORY]: a Rust toolchain with the source of its standard library, from Debian's
# packages, unpacked into DIRECTORY (else target/debian-rust); nothing is installed, and root is not needed. With it cargo
# builds the standard library of any target. Put it first for one command:
#
#     PATH="$PWD/target/debian-rust/bin:$PATH" node scripts/cross.mjs linux-arm64-musl
set -eu
directory=${1:-$(dirname "$0")/../../target/debian-rust}
mkdir -p "$directory/packages" "$directory/bin"
directory=$(cd "$directory" && pwd)
cd "$directory/packages"
# They and what this machine lacks of what they need.
lacking=$(
  apt-get --simulate --no-install-recommends install cargo-web rustc-web rust-web-src rust-web-clippy |
    sed --quiet 's/^Inst \([^ ]*\) .*/\1/p'
)
# shellcheck disable=SC2086 # a list of words
apt-get --quiet --quiet download $lacking
for package in *.deb; do dpkg-deb --extract "$package" ..; done
libraries=$(dirname "$(find "$directory/usr/lib" -name 'libLLVM*.so*' | head -n 1)")
# For all of them at once: cargo starts rustc, and cargo-clippy starts clippy-driver.
for program in cargo rustc rustdoc cargo-clippy clippy-driver; do
  {
    echo '#!/bin/sh'
    echo "export LD_LIBRARY_PATH='$libraries'\"\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\""
    echo "exec '$directory/usr/bin/$program' \"\$@\""
  } >"$directory/bin/$program"
  chmod +x "$directory/bin/$program"
done
# By this name rustc calls what strips a binary for a Mac; Debian has it in its package "llvm".
if command -v llvm-objcopy >/dev/null; then
  ln -sf "$(command -v llvm-objcopy)" "$directory/bin/rust-objcopy"
else
  echo 'without llvm-objcopy (Debian: apt-get install llvm) nothing can be linked for macOS' >&2
fi
"$directory/bin/rustc" --version
"$directory/bin/cargo" --version
