#!/usr/bin/env bash
# Decode + hash of pictures in the jail beside pdqhash with Pillow: see media.py. Makes its own Python environment in .tools/venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -x .tools/venv/bin/python ] || python3 -m venv .tools/venv
.tools/venv/bin/python -c 'import pdqhash, PIL, numpy' 2>/dev/null || .tools/venv/bin/pip install --quiet pdqhash pillow numpy
cargo build --locked --quiet --release --package media --example bench_scan
.tools/venv/bin/python bench/media.py
