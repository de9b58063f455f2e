#!/usr/bin/env bash
# Every check there is, in the order in which a mistake is cheapest to find. The first failure stops.
#
#   scripts/test.sh                all of them (what `make test` and CI run)
#   scripts/test.sh fmt clippy     only these
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.tools/bin:$PATH"

heading() { printf '\n=== %s ===\n' "$1"; }

check_fmt() {
    heading "Format"
    cargo fmt --all --check
    cargo fmt --manifest-path fuzz/Cargo.toml --check
}

check_typos() {
    heading "Spelling"
    typos
}

check_unused() {
    heading "Unused dependencies and unlinked files"
    cargo shear --locked
}

check_deny() {
    heading "Licences, banned crates and sources of dependencies"
    cargo deny --locked check --hide-inclusion-graph bans licenses sources
    heading "Known vulnerabilities in dependencies"
    if timeout 120 cargo deny --locked fetch db >/dev/null 2>&1; then
        cargo deny --locked check --hide-inclusion-graph --disable-fetch advisories
    else
        echo "NOT CHECKED: the RustSec advisory database cannot be reached from here. Run \`make test\` once where it can."
    fi
}

check_clippy() {
    heading "Lints"
    cargo clippy --locked --workspace --all-targets -- -D warnings
}

check_docs() {
    heading "Documentation, broken links denied"
    # Private items are documented too, so a link from a public page to one of them leads somewhere.
    RUSTDOCFLAGS="-D warnings -D rustdoc::broken_intra_doc_links -A rustdoc::private_intra_doc_links" \
        cargo doc --locked --workspace --no-deps --document-private-items --quiet
}

check_doctests() {
    heading "Examples in the documentation"
    cargo test --locked --workspace --doc --quiet
}

# Last, so that the last lines say how many tests ran. Architecture rules and the drift of generated files are tests of `xtask`.
check_tests() {
    heading "Tests, on SQLite and on a throw-away Postgres"
    scripts/with-postgres.sh cargo nextest run --locked --workspace ${CI:+--profile ci}
}

all=(fmt typos unused deny clippy docs doctests tests)
[ $# -gt 0 ] || set -- "${all[@]}"
for name in "$@"; do
    if ! declare -F "check_$name" >/dev/null; then
        echo "unknown check \`$name\`; there are: ${all[*]}" >&2
        exit 2
    fi
done
for name in "$@"; do "check_$name"; done
