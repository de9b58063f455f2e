#!/bin/sh
# Compares Seawall's hashes with the reference, on the same pixels and on the same files. `make conformance` runs this.
#   SEAWALL=path/to/seawall   take this binary instead of building one
#   SEAWALL_HASH_ARGS="…"     further arguments of `seawall hash`
set -eu
cd "$(dirname "$0")/.."
conformance/setup.sh

target=${CARGO_TARGET_DIR:-target}/release
cargo build --locked --quiet --release --package signal --example pdq_pixels
if [ -z "${SEAWALL:-}" ]; then
    cargo build --locked --quiet --release --package cli --bin seawall
    SEAWALL=$target/seawall
fi
export SEAWALL
exec .tools/venv/bin/python conformance/compare.py --pdq-pixels "$target/examples/pdq_pixels" "$@"
