#!/usr/bin/env bash
# Measures, and writes what was found into bench/README.md. `make bench` runs this.
#
#   bench/run.sh            every part: each bench/NAME.py and bench/NAME.sh but this one and those that begin with _
#   bench/run.sh pdq index  only these
#
# A part prints its section as Markdown, heading first, and talks on stderr. The section replaces the one between
# `<!-- begin NAME -->` and `<!-- end NAME -->`, or goes to the end when there is none yet. A part that fails leaves its
# section as it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
conformance/setup.sh

python=$PWD/.tools/venv/bin/python
failed=0
for part in bench/*.py bench/*.sh; do
    name=$(basename "${part%.*}")
    case $name in run | _*) continue ;; esac
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
    echo "bench: $name" >&2
    section=$(mktemp)
    case $part in
        *.py) "$python" "$part" >"$section" || failed=1 ;;
        *.sh) "$part" >"$section" || failed=1 ;;
    esac
    if [ "$failed" = 0 ]; then
        bench/_machine.sh >>"$section"
        "$python" bench/_section.py "$name" "$section"
        [ "$name" != robustness ] || "$python" bench/_survives.py
    else
        echo "bench: $name failed" >&2
    fi
    rm -f "$section"
    [ "$failed" = 0 ] || break
done
exit "$failed"
