#!/usr/bin/env bash
# Rules over generated posts: prints the section for bench/README.md. Needs nothing but a compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

n_events=${SEAWALL_BENCH_EVENTS:-100000}
n_keys=${SEAWALL_BENCH_KEYS:-10000000}
n_posts=${SEAWALL_BENCH_POSTS:-5000}
cargo build --locked --quiet --release -p media --bin media-worker
cargo build --locked --quiet --release -p rulesbench
measure=${CARGO_TARGET_DIR:-target}/release/rulesbench

cat <<EOF
## Rules

$n_events generated posts of about 35 words, rules of four conditions: an item's kind, an account's age, a number or (every fifth) a windowed counter, a pattern.
Counters share six keys. *Inline* is one post after the other on one core: all rules asked, windows read and filled, the decision's evidence written as JSON; its times are by
the clock, which a loaded machine makes worse; *by processor time* is the same without what others took. *Replay* is a backtest without the JSON, on one thread and on two, with the same answers.

A backtest asks the rules as a submission does, and says the same of each event: the comparisons that conditions begin with in a row, one pass over a text for the letters that all
its patterns need, a pattern only where its first letters stand, a window only for a rule that nothing else decides. All that needs no window is worked out on all threads at once;
windows are asked and filled by one after the other, in the order of the events.

| rules | windows | compiled in | inline /s | by processor time /s | p50 | p99 | replay, 1 thread /s | 2 threads /s | fired |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
EOF
for n in 1 10 100 500; do
    "$measure" rules "$n" "$n_events" | awk '{
        for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
        printf "| %d | %d | %.0f ms | %d | %d | %.1f µs | %.1f µs | %d | %d | %d |\n", v["rules"], v["windows"], v["compile_ms"], v["one"], v["one_cpu"], v["p50_us"], v["p99_us"], v["replay_one"], v["replay_two"], v["fired"]
    }'
done
cat <<EOF

Osprey's engine, measured earlier on another two-core machine with synthetic rules of the same shape and not measured here: 300 to 590 events/s with 1 rule, 180 to 267 with 10,
22 to 35 with 100 (p50 24 to 37 ms), 4 to 8 with 500 (p50 98 to 190 ms), in one process; it has no windows.

EOF
cat <<EOF
### With the store

$n_posts of the same posts given to a whole Seawall (\`submit_item\`, as the HTTP interface calls it) on SQLite in a file, fully synchronous, with rules live that were proposed and approved. *Asked* judges and remembers nothing;
*submitted* keeps item, decision, evidence and windows before it answers. Times are by the clock, from the call to the answer, with so many clients that each wait for theirs.

| rules | clients | asked /s | p50 | p99 | submitted /s | p50 | p99 | slowest |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|
EOF
for n in 1 100 500; do
    for clients in 1 8; do
        "$measure" inline "$n" "$n_posts" "$clients" | awk '{
            for (i = 2; i < NF; i += 2) v[$i] = $(i + 1)
            printf "| %d | %d | %d | %.2f ms | %.2f ms | %d | %.2f ms | %.2f ms | %.0f ms |\n", v["rules"], v["clients"], v["check_rate"], v["check_p50_ms"], v["check_p99_ms"], v["submit_rate"], v["submit_p50_ms"], v["submit_p99_ms"], v["submit_max_ms"]
        }'
    done
done
printf '\n### Memory\n\n'
"$measure" memory "$n_keys" | awk '
    $1 == "memory" { for (i = 2; i < NF; i += 2) v[$i] = $(i + 1)
        printf "Memory: %d million keys in three windows (count, distinct values, sum), %d million events, nine tenths of the keys seen once, one in ten thousand a thousand times: **%d MB** resident, %.0f bytes for a key in a window.", v["keys"] / 1e6, v["events"] / 1e6, v["resident_mb"], v["per_key_bytes"] }
    $1 == "read_ns" { printf " A key drawn at random is read in %d ns.\n", $2 }'
printf '\n`bench/run.sh rules`\n'
