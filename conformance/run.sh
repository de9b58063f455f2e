#!/bin/sh
# Compares Seawall's hashes with the reference, on the same pixels and on the same files, its vPDQ with vPDQ's own package, and its HMA paths
# with a recording of HMA and with HMA's Python client side, its agreement figures with `krippendorff` and `scikit-learn`. `make conformance` runs this.
#   SEAWALL=path/to/seawall   take this binary instead of building one
#   SEAWALL_HASH_ARGS="…"     further arguments of `seawall hash`
set -eu
cd "$(dirname "$0")/.."
conformance/setup.sh

target=${CARGO_TARGET_DIR:-target}/release
cargo build --locked --quiet --release --package signal --example pdq_pixels
cargo build --locked --quiet --release --package av --bin av-worker
cargo build --locked --quiet --release --package media --example vpdq
cargo build --locked --quiet --release --package moderation --example agreement
if [ -z "${SEAWALL:-}" ]; then
    cargo build --locked --quiet --release --package cli --bin seawall
    SEAWALL=$target/seawall
fi
export SEAWALL
failed=0
.tools/venv/bin/python conformance/compare.py --pdq-pixels "$target/examples/pdq_pixels" "$@" || failed=1
.tools/venv/bin/pip install --quiet --disable-pip-version-check -r conformance/video/requirements.txt
.tools/venv/bin/python conformance/video/compare.py --vpdq "$target/examples/vpdq" || failed=1
.tools/venv/bin/python conformance/hma/compare.py || failed=1
.tools/venv/bin/pip install --quiet --disable-pip-version-check -r conformance/agreement/requirements.txt
.tools/venv/bin/python conformance/agreement/compare.py --agreement "$target/examples/agreement" || failed=1
exit $failed
