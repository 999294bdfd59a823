#!/usr/bin/env bash
# Builds everything with its tests and runs them against real servers. Arguments go to `swift test`: scripts/test.sh --filter EndToEnd
# Ends with the exit status of `swift test`; with CI=true, warnings in our own sources fail it too.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

logs=.build/logs
mkdir -p "$logs"
scripts/setup.sh
scripts/test-servers.sh --install

if [[ -d .build/debug ]]; then
    say "Building what has changed, with tests"
else
    say "Building everything with tests. The first time takes 5 to 10 minutes on two cores"
fi
swift build --build-tests 2>&1 | tee "$logs/build-tests.log" | build_progress

CLOUD_MIRROR_EXECUTABLE=$(swift build --show-bin-path)/cloud-mirror
export CLOUD_MIRROR_EXECUTABLE
if [[ ! -x $CLOUD_MIRROR_EXECUTABLE ]]; then fail "the build left no executable at $CLOUD_MIRROR_EXECUTABLE"; fi

# In CI nobody is there to interrupt a test that hangs.
limit=()
if in_ci; then limit=(timeout --kill-after=30 "${CLOUD_MIRROR_TEST_TIMEOUT:-1500}"); fi

# There are no XCTest tests: without it, its "Executed 0 tests" does not stand beside the real count.
say "swift test"
status=0
scripts/test-servers.sh "${limit[@]}" swift test --skip-build --disable-xctest "$@" 2>&1 | tee "$logs/test.log" || status=$?
if [[ $status -eq 124 ]]; then echo "error: the tests did not end within the time limit" >&2; fi

warnings=0
scripts/check-warnings.sh "$logs/build-tests.log" || warnings=$?
if [[ $status -eq 0 && $warnings -ne 0 ]] && in_ci; then status=$warnings; fi
exit "$status"
