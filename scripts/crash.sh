#!/usr/bin/env bash
# Kills the server 200 times under load, on SQLite and on a throw-away Postgres; for the second half the platform cannot be reached, for ten minutes at
# least. Takes about half an hour. `make test` does the same with ten kills each.
#
#   scripts/crash.sh [KILLS] [SECONDS-WITHOUT-PLATFORM]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export SEAWALL_CRASH_KILLS=${1:-200} SEAWALL_CRASH_DOWN_S=${2:-600}
exec scripts/with-postgres.sh cargo test --locked --package cli --test crash -- --nocapture --test-threads=1
