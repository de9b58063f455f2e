#!/bin/sh
# The linear scan behind the index's interface.
set -eu
cd "$(dirname "$0")/.."
echo "## Index: changes and exact searches"
echo
echo "One core, codes without structure, at most 100 hits. Each search reads every code: this is the scan that wider radii"
echo "keep, and that the index for the usual radius is measured against."
echo
echo '```'
cargo bench --locked --quiet --package index --bench search 2>/dev/null
echo '```'
echo
echo "\`bench/run.sh index\`"
