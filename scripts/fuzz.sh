#!/usr/bin/env bash
# Feeds generated input to each parser, and to each whole client and server. Fails on a trap, a hang, or answers that contradict each other.
# usage: scripts/fuzz.sh [TARGET...]      environment: SECONDS_EACH (60), or EXECUTIONS for each instead; SEED (random; printed); RELEASE=1 runs optimised code
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
options=()
if [[ -n ${RELEASE:-} ]]; then
    # In a separate directory: otherwise each change of options would rebuild everything that is built for other purposes.
    options=(-c release -Xswiftc -enable-testing --scratch-path .build/fuzz-release)
    if [[ ! -d .build/fuzz-release ]]; then say "Building optimised tests. The first time everything is compiled: about half an hour on two cores"; fi
fi
say "Building"
swift build "${options[@]}" --build-tests 2>&1 | build_progress
crumbs=.build/fuzz
rm -rf "$crumbs"
if [[ -n ${EXECUTIONS:-} ]]; then
    export CLOUD_MIRROR_FUZZ_EXECUTIONS=$EXECUTIONS
    say "Each target gets $EXECUTIONS inputs"
else
    export CLOUD_MIRROR_FUZZ_SECONDS=${SECONDS_EACH:-60}
    say "Each target gets $CLOUD_MIRROR_FUZZ_SECONDS seconds"
fi
if [[ -n ${SEED:-} ]]; then export CLOUD_MIRROR_FUZZ_SEED=$SEED; fi
if [[ $# -gt 0 ]]; then export CLOUD_MIRROR_FUZZ_TARGETS="$*"; fi
status=0
swift test "${options[@]}" --skip-build --disable-xctest --filter '^FuzzTests\.|^MirrorServerTests\.RequestFuzzTests' 2>&1 | test_progress || status=$?
if [[ $status -ne 0 ]]; then
    for crumb in "$crumbs"/*; do
        if [[ -s $crumb ]]; then note "an input that was being tried is in $crumb"; fi
    done
    note "of a client or a server several were being tried at once: each that is added to Tests/FuzzTests/Corpus is tried alone, which tells which it was"
fi
exit "$status"
