#!/usr/bin/env bash
# Attacks the API with requests made from its OpenAPI document, right and wrong ones, and checks every answer against it:
# no 5xx, no status, header or body that the document does not name, nothing wrong taken, nothing right refused.
#
#   scripts/schemathesis.sh [OPTIONS OF schemathesis run]
#   SEAWALL=path/to/seawall         take this binary instead of building one
#   EXAMPLES=200 SEED=7             more examples for each operation; another seed
#
# The server is a demonstration, on free ports of this machine, with made-up data that are gone afterwards. Under
# scripts/with-postgres.sh it is a server on that Postgres instead, with nothing in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.tools/venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r scripts/schemathesis.txt

if [ -z "${SEAWALL:-}" ]; then
    cargo build --locked --quiet --package cli --bin seawall
    SEAWALL=${CARGO_TARGET_DIR:-target}/debug/seawall
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/seawall-schemathesis.XXXXXX")
server=
stop() {
    trap - EXIT INT TERM
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

# Waits for the server to answer at $url.
wait_until_ready() {
    for _ in $(seq 600); do
        python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' "$url/readyz" 2>/dev/null && return
        kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
        sleep 0.2
    done
    echo "the server is not ready after two minutes" >&2
    exit 1
}

if [ -n "${SEAWALL_TEST_POSTGRES:-}" ]; then
    export SEAWALL_STORE_URL=$SEAWALL_TEST_POSTGRES SEAWALL_LOG_LEVEL=warn
    # The limits have tests of their own; here they would only be in the way.
    export SEAWALL_HTTP_KEY_CALLS_PER_SECOND=100000 SEAWALL_HTTP_KEY_CALLS_BURST=100000
    export SEAWALL_HTTP_ADDRESS_CALLS_PER_SECOND=100000 SEAWALL_HTTP_ADDRESS_CALLS_BURST=100000
    url=http://127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    scopes=()
    for scope in items:write items:read banks:read banks:write cases:read actions:write events:read; do scopes+=(--scope "$scope"); done
    SEAWALL_KEY=$("$SEAWALL" key create schemathesis "${scopes[@]}" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["secret"])')
    "$SEAWALL" serve --allow-weak-jail --listen "${url#http://}" >/dev/null 2>"$folder/log" &
    server=$!
    wait_until_ready
else
    "$SEAWALL" demo --json --allow-weak-jail --listen 127.0.0.1:0 --platform-listen 127.0.0.1:0 \
        --data "$folder/data" >"$folder/where.json" 2>"$folder/log" &
    server=$!
    for _ in $(seq 600); do
        [ -s "$folder/where.json" ] && break
        kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
        sleep 0.2
    done
    where() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$folder/where.json" "$1"; }
    url=$(where console)
    SEAWALL_KEY=$(where api_key)
    wait_until_ready
fi
export SEAWALL_KEY

status=0
SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH=scripts "$venv/bin/schemathesis" --config-file scripts/schemathesis.toml run \
    "$url/api/openapi.json" --checks all --max-examples "${EXAMPLES:-100}" --seed "${SEED:-1}" \
    "$@" || status=$?

kill -0 "$server" 2>/dev/null || { echo "the server died:" >&2; cat "$folder/log" >&2; exit 1; }
if grep -iE 'panicked|error' "$folder/log" >&2; then
    echo "the server logged the errors above" >&2
    exit 1
fi
exit "$status"
