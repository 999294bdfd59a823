#!/usr/bin/env bash
# Breaks everything at the same time while clients read: kills, clock steps, stalled connections, evictions and purges. Then checks the invariants.
# usage: scripts/chaos.sh      environment: SECONDS_EACH (120) for each scene, SEED (random; printed)
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
scripts/test-servers.sh --install
say "Building"
swift build --build-tests 2>&1 | build_progress
CLOUD_MIRROR_EXECUTABLE=${CLOUD_MIRROR_EXECUTABLE:-$(swift build --show-bin-path)/cloud-mirror}
export CLOUD_MIRROR_EXECUTABLE CLOUD_MIRROR_CHAOS_SECONDS=${SECONDS_EACH:-120}
if [[ -n ${SEED:-} ]]; then export CLOUD_MIRROR_CHAOS_SEED=$SEED; fi
CI=true scripts/test-servers.sh swift test --skip-build --disable-xctest --filter '^EndToEndTests\..*ChaosTests' 2>&1 | test_progress
