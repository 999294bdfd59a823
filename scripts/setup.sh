#!/usr/bin/env bash
# Installs the packages for building and testing that the machine lacks, without asking; quick if nothing is missing.
# usage: scripts/setup.sh [bench | clients]      with `bench`, also the peers that the benchmarks compare with; with `clients`, also those clients
#                                              of package registries that only `make test-clients` runs
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

# libsqlite3-dev: the state store. zlib1g-dev: compressed logs in `cloud-mirror plan`, HTTP compression in swift-nio-extras.
# python3, python3-venv, curl: servers for tests and the checks. wget, apache2-utils (ab): clients in tests. redis-*: state for many nodes; tests start
# their own servers. systemd: systemd-analyze, which checks the units in deploy/; no part of systemd is started. prometheus: promtool, which checks
# the alert rules. nginx, libnginx-mod-http-dav-ext: the WebDAV server of Examples/WebDAVStore, and a peer in the benchmarks. nginx, libnginx-mod-stream,
# haproxy: proxies in front of a mirror, with the configurations that docs/operations.md has. aria2, skopeo, git-lfs: clients in tests. gnupg: signs the apt repository that they ask. chromium: opens the pages in tests.
packages=(
    ca-certificates curl wget git libsqlite3-dev zlib1g-dev python3 python3-venv apache2-utils redis-server redis-sentinel redis-tools prometheus
    systemd nginx libnginx-mod-http-dav-ext libnginx-mod-stream haproxy aria2 skopeo gnupg git-lfs chromium
)
if [[ ${1:-} == bench ]]; then packages+=(wrk); fi
if [[ ${1:-} == clients ]]; then packages+=(nix-bin bazel-bootstrap yarnpkg); fi
# Clients in tests that are often installed in other ways than from Debian's packages, which are older.
for client in npm:npm cargo:cargo mvn:maven; do
    if ! command -v "${client%:*}" >/dev/null; then packages+=("${client#*:}"); fi
done

if ! command -v swift >/dev/null; then
    fail "no swift in PATH: install a Swift toolchain, 6.2 or later (https://www.swift.org/install/linux/)"
fi
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
if [[ $(printf '%s\n' 6.2 "${version:-0}" | sort -V | head -n 1) != 6.2 ]]; then
    fail "Swift ${version:-of an unknown version} is too old: 6.2 or later is needed"
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    note "not a Debian system: nothing is installed. Needed: SQLite 3 and zlib with headers, curl, wget, git, Python 3.11 or later with venv; for the tests also ab, aria2c, cargo, chromium, git-lfs, gpg, java, mvn, npm, skopeo, haproxy, nginx with its WebDAV and stream modules, redis-server, redis-sentinel, redis-cli 7 or later"
    if [[ ${1:-} == bench ]]; then note "and for the benchmarks: wrk"; fi
    for command in curl git python3 wget; do
        command -v "$command" >/dev/null || fail "$command is missing"
    done
    exit 0
fi

check_python() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$(python3 --version) is too old: 3.11 or later is needed"
}

missing=()
for package in "${packages[@]}"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then missing+=("$package"); fi
done
if [[ ${#missing[@]} -eq 0 ]]; then
    check_python
    say "Setup: Swift $version and ${#packages[@]} Debian packages are in place"
    exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
    # -n: fail instead of asking for a password.
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        fail "missing: ${missing[*]}. Neither root nor sudo without a password here; run: sudo apt-get install ${missing[*]}"
    fi
fi

# Debian starts a server when it is installed. The tests and benchmarks start their own servers on free ports, so none should be left listening.
policy=/usr/sbin/policy-rc.d
remove_policy() { "${as_root[@]}" rm -f "$policy"; }
if [[ ! -e $policy ]]; then
    trap remove_policy EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi

say "Installing Debian packages: ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
check_python
say "Setup: done"
