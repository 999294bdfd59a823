#!/usr/bin/env bash
# Feeds each parser with made-up input for some seconds. Fails on a trap, a hang, or answers that do not fit each other.
# usage: scripts/fuzz.sh [TARGET...]      environment: SECONDS_EACH (60), SEED (by chance; printed)
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "Building"
swift build --build-tests 2>&1 | build_progress
crumbs=.build/fuzz
rm -rf "$crumbs"
export CLOUD_MIRROR_FUZZ_SECONDS=${SECONDS_EACH:-60}
if [[ -n ${SEED:-} ]]; then export CLOUD_MIRROR_FUZZ_SEED=$SEED; fi
if [[ $# -gt 0 ]]; then export CLOUD_MIRROR_FUZZ_TARGETS="$*"; fi
say "Each parser gets $CLOUD_MIRROR_FUZZ_SECONDS seconds"
status=0
swift test --skip-build --disable-xctest --filter '^FuzzTests\.' 2>&1 | test_progress || status=$?
if [[ $status -ne 0 ]]; then
    for crumb in "$crumbs"/*; do
        if [[ -s $crumb ]]; then note "the last input of $(basename "$crumb") is in $crumb; mend the parser, then add it to Tests/FuzzTests/Corpus/$(basename "$crumb")/"; fi
    done
fi
exit "$status"
