#!/usr/bin/env bash
# What image matching survives, and how often it is wrong: prints the section for bench/README.md. Arguments go to the measuring
# program (`--set tuning`, `--seeds 1`, `--stage pdq`, …: see its --help). The photos are Debian packages, unpacked into .tools/photos.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

photos=$(bench/robustness/photos.sh)
cargo run --locked --quiet --release --package robustness -- --markdown "$@"
printf '\n<details><summary>Where the photos come from</summary>\n\n%s\n\n</details>\n\n' "$photos"
