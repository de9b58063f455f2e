#!/usr/bin/env bash
# Runs every fuzz target for some seconds each: scripts/fuzz.sh [SECONDS_EACH]. What makes one fail is kept in fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.tools/bin:$PATH"

seconds=${1:-60}
targets=$(cargo fuzz list)
[ -n "$targets" ] || { echo "there is no fuzz target in fuzz/" >&2; exit 1; }
for target in $targets; do
    printf '\n=== %s, %s s ===\n' "$target" "$seconds"
    # Without a sanitizer it builds with the stable compiler; panics, overflows (debug assertions are on) and hangs are what it looks for.
    cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048
done
