#!/usr/bin/env bash
# Attacks the whole executable, and prints the measurements as a table: the long form of what `make test` does.
# usage: scripts/attack.sh      environment: CLIENTS (10000), hostile ones; CLOUD_MIRROR_EXECUTABLE, an executable to attack instead of the release build
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
scripts/test-servers.sh --install
if [[ -z ${CLOUD_MIRROR_EXECUTABLE:-} ]]; then scripts/build-release.sh; fi
say "Building"
swift build --build-tests 2>&1 | build_progress
CLOUD_MIRROR_EXECUTABLE=${CLOUD_MIRROR_EXECUTABLE:-$root/.build/release/cloud-mirror}
export CLOUD_MIRROR_EXECUTABLE CLOUD_MIRROR_ATTACK_CLIENTS=${CLIENTS:-10000}
log=.build/logs/attack.log
mkdir -p "$(dirname "$log")"
say "Attacking with $CLOUD_MIRROR_ATTACK_CLIENTS hostile clients"
status=0
scripts/test-servers.sh swift test --skip-build --disable-xctest --filter '^EndToEndTests\..*AttackTests' 2>&1 | tee "$log" | test_progress || status=$?
echo
awk -F ' [|] ' '
    BEGIN { printf "%-90s  %-22s  %s\n", "ATTACK", "SEEN", "LIMIT" }
    $1 == "attack" { printf "%-90s  %-22s  %s\n", $2, $3, $4 }
' "$log"
exit "$status"
