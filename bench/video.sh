#!/usr/bin/env bash
# What video matching survives, how often it is wrong and how fast it is: prints the section for bench/README.md. The first argument chooses the half
# (`tuning`; `held-out` if none is given); the others go to the measuring program (`--remarks`, `--edits crop_5,mirror`: see its --help).
# The videos are made with ffmpeg under .tools/video, once: the first run takes half an hour, the next ones a third of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

half=${1:-held-out}
[ $# -eq 0 ] || shift
scripts/setup.sh conformance >&2
scripts/setup.sh bench-video >&2
conformance/setup.sh >&2
.tools/venv/bin/pip install --quiet --disable-pip-version-check -r conformance/video/requirements.txt >&2
bench/robustness/photos.sh >/dev/null
sources=$(bench/video/material.sh)
corpus=$(.tools/venv/bin/python bench/video/corpus.py "$half")
cargo build --locked --quiet --release --package av --package videobench
program=${CARGO_TARGET_DIR:-target}/release/videobench
"$program" "$corpus" "$@"
# Nothing is chosen by speed: the half that may be looked at has no long file and no streams.
if [ "$half" = held-out ]; then
    # One core each: FFmpeg's and Seawall's.
    taskset --cpu-list 0 "$program" "$corpus" --only-speed
    "$program" "$corpus" --only-live
fi
printf '\n<details><summary>What the videos are made of</summary>\n\nPhotos are those of the section on pictures; speech is nonsense spoken by espeak-ng (GPL-3+); shapes, fractals, automata, pages of text and presenters are drawn.\n\n%s\n\n</details>\n\n`make bench-video`\n' "$sources"
