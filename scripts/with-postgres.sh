#!/usr/bin/env bash
# Runs a command beside a throw-away Postgres: scripts/with-postgres.sh COMMAND…
#
# A new cluster in a temporary folder, on a free port of 127.0.0.1, with a random password. The command finds it in SEAWALL_TEST_POSTGRES
# (postgres://user:password@127.0.0.1:port/postgres) and may create databases there. Cluster and folder are gone when the command ends, however it ends.
# It is never synced to disk: it is fast and worth nothing. As root, Postgres runs as the user `postgres`, since it refuses root.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: scripts/with-postgres.sh COMMAND…" >&2; exit 2; }

bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)
if [ -z "$bin" ]; then
    bin=$(dirname "$(readlink -f "$(command -v initdb || true)")" 2>/dev/null || true)
fi
[ -x "$bin/initdb" ] || { echo "Postgres is missing: apt-get install postgresql (or run scripts/setup.sh test)" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/seawall-postgres.XXXXXX")
chmod 755 "$folder"
as_postgres=()
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as_postgres=(setpriv --reuid postgres --regid postgres --init-groups)
fi

postmaster=
stop() {
    trap - EXIT INT TERM HUP
    if [ -n "$postmaster" ]; then
        kill -QUIT "$postmaster" 2>/dev/null || true   # immediate shutdown: nothing here is worth keeping
        wait "$postmaster" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM HUP

password=$(head -c 18 /dev/urandom | od -An -tx1 | tr -d ' \n')
printf '%s\n' "$password" >"$folder/password"
[ "$(id -u)" != 0 ] || chown postgres "$folder/password"
chmod 600 "$folder/password"

# Postgres must be able to enter the folder it is started from.
in_folder() { (cd "$folder" && "${as_postgres[@]}" "$@"); }

in_folder "$bin/initdb" --pgdata="$folder/data" --username=seawall --pwfile="$folder/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; exit 1; }

# A port that is free now may be taken a moment later: try a few.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + RANDOM % 12000))
    # If this script is killed outright, the kernel ends Postgres too.
    (cd "$folder" && exec setpriv --pdeathsig QUIT "${as_postgres[@]:1}" "$bin/postgres" -D "$folder/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c max_connections=300 -c shared_buffers=128MB -c autovacuum=off -c log_min_messages=fatal) >"$folder/server.log" 2>&1 &
    postmaster=$!
    for _ in $(seq 150); do
        # Only our own server knows the password, so an answer is ours.
        if PGPASSWORD=$password "$bin/psql" -qAt -h 127.0.0.1 -p "$port" -U seawall -d postgres -c 'select 1' >/dev/null 2>&1; then break 2; fi
        kill -0 "$postmaster" 2>/dev/null || break
        sleep 0.1
    done
    kill -QUIT "$postmaster" 2>/dev/null || true
    wait "$postmaster" 2>/dev/null || true
    postmaster=
done
[ -n "$postmaster" ] || { echo "Postgres did not start:" >&2; cat "$folder/server.log" >&2; exit 1; }

export SEAWALL_TEST_POSTGRES="postgres://seawall:$password@127.0.0.1:$port/postgres"
status=0
"$@" || status=$?
exit "$status"
