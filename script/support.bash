# shellcheck shell=bash
# What the programs in this folder share. Sourced after `set -euo pipefail`, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for those who source this
readonly ROOT

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
fail() {
    warn "$*"
    exit 1
}

# need PACKAGE=FILE-OR-PROGRAM …: installs the Debian packages whose file or program is missing, or names the command.
need() {
    local missing=() item package probe
    for item in "$@"; do
        package=${item%%=*}
        probe=${item#*=}
        case $probe in
            /*) [[ -e $probe ]] || missing+=("$package") ;;
            *) PATH=$PATH:/usr/sbin:/sbin command -v "$probe" >/dev/null || missing+=("$package") ;;
        esac
    done
    ((${#missing[@]})) || return 0

    local install="apt-get install -y --no-install-recommends ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        fail "Missing: ${missing[*]} (Debian's names). Install them and start again."
    fi
    local privilege=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "Missing packages. As root, type: $install"
        privilege=(sudo)
    fi
    say "Installing ${missing[*]} …"
    "${privilege[@]}" apt-get update -qq || warn "apt-get update failed; trying with the lists that are there"
    # shellcheck disable=SC2086 # the command is a list of words
    "${privilege[@]}" env DEBIAN_FRONTEND=noninteractive $install || fail "Could not install. As root, type: $install"
}

# What it takes to build and to run.
need_for_building() {
    need git=git pkg-config=pkg-config libmosquitto-dev=/usr/include/mosquitto.h mosquitto=mosquitto
    need_swift
}

need_swift() {
    command -v swift >/dev/null ||
        fail "No swift in PATH. Install a toolchain of at least 6.2: https://www.swift.org/install/linux/"
    local text version
    text=$(swift --version 2>&1) || fail "swift --version failed: $text"
    version=$(sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' <<<"$text" | head -n 1)
    [[ -n $version ]] || fail "Cannot tell the version of swift: $text"
    if ((${version%%.*} * 100 + ${version#*.} < 602)); then
        fail "Swift $version is too old, 6.2 or later is needed: https://www.swift.org/install/linux/"
    fi
}

# listening HOST PORT: whether somebody accepts connections there.
listening() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# free_port FIRST: the first port from FIRST on where nobody listens.
free_port() {
    local port=$1
    while listening 127.0.0.1 "$port"; do port=$((port + 1)); done
    printf '%s' "$port"
}

# wait_for SECONDS WHAT COMMAND …: until COMMAND succeeds; fails, naming WHAT, when it does not in time.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        if ((SECONDS >= end)); then
            warn "Waited in vain for $what."
            return 1
        fi
        sleep 0.05
    done
}

milliseconds() { date +%s%3N; }
