#!/usr/bin/env bash
# Builds the program that is released: one file for all processors of an architecture, with the builds for AVX2 and
# AVX-512 embedded where there are such. Its argument is the target, by default that of this machine; the program is
# target/released/TARGET/enfold. Takes three builds of everything.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
target=${1:-$host}
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}/released/$target")
export CARGO_INCREMENTAL=0
if [[ $target == aarch64-unknown-linux-gnu && $host != aarch64-* ]]; then
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER:-aarch64-linux-gnu-gcc}
fi

# Builds the program for a processor. With --target the flags are for the program alone: what runs while it is built
# must run on this machine.
build() {
    CARGO_TARGET_DIR=$folder/$1 RUSTFLAGS="-C target-cpu=$1" cargo rustc --locked --release -p enfold-cli \
        --bin enfold --target "$target" -- -C strip=symbols
}

rm -rf "$folder/builds"
mkdir -p "$folder/builds"
if [[ $target == x86_64-*-linux-* ]]; then
    for processor in x86-64-v4 x86-64-v3; do
        build "$processor"
        cp "$folder/$processor/$target/release/enfold" "$folder/builds/$processor"
    done
    base=x86-64
else
    base=generic
fi
ENFOLD_BUILDS=$folder/builds build "$base"
cp "$folder/$base/$target/release/enfold" "$folder/enfold"
printf '%s\n' "$folder/enfold"
