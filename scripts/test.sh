#!/usr/bin/env bash
# Builds everything with its tests and runs them against real servers. Arguments are those of `swift test`: scripts/test.sh --filter EndToEnd
# Without arguments it also builds and tests the packages in Examples/; `--filter Examples` tests only those.
# Exits with the first status that is not 0; with CI=true, warnings in our own sources fail it too.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

logs=.build/logs
mkdir -p "$logs"
scripts/setup.sh
# In parallel with the build, which takes longer. If something cannot be installed, this is reported when the servers start.
scripts/test-servers.sh --install >"$logs/install-servers.log" 2>&1 &

if [[ -d .build/debug ]]; then
    say "Building what has changed, with tests"
else
    say "Building everything with tests. The first time takes 5 to 10 minutes on two cores"
fi
swift build --build-tests 2>&1 | tee "$logs/build-tests.log" | build_progress

CLOUD_MIRROR_EXECUTABLE=$(swift build --show-bin-path)/cloud-mirror
export CLOUD_MIRROR_EXECUTABLE
if [[ ! -x $CLOUD_MIRROR_EXECUTABLE ]]; then fail "the build left no executable at $CLOUD_MIRROR_EXECUTABLE"; fi

# The bill of materials of the executable under test. This fails if anything is linked whose origin, version or licence is unknown.
scripts/sbom.py "$(dirname "$CLOUD_MIRROR_EXECUTABLE")" "$logs/cloud-mirror.cdx.json"
# The comments of the modules that were built.
scripts/check-docs.py "$(dirname "$CLOUD_MIRROR_EXECUTABLE")"

# All targets share the servers: each test uses its own names.
trap stop_servers EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
start_servers

# In CI nobody can interrupt a test that hangs.
limit=()
if in_ci; then limit=(timeout --kill-after=30 "${CLOUD_MIRROR_TEST_TIMEOUT:-900}"); fi

# The same program that `swift test` runs. It is run directly, because `swift test` plans the whole build each time, which takes longer than many tests.
bundle=$(dirname "$CLOUD_MIRROR_EXECUTABLE")/cloud-mirrorPackageTests.xctest
# Without TERM it writes no colours, which would get in the way when the log is searched.
tests=(env -u TERM -u COLORTERM "$bundle" --testing-library swift-testing)
# On macOS it is a bundle, which `swift test` can run.
if [[ ! -f $bundle ]]; then tests=(swift test --skip-build --disable-xctest); fi
# One target at a time: tests of silence, waits and shutdown measure time, and hundreds of other tests on the same few cores would disturb them.
status=0
failed=()
: >"$logs/test.log"
run_tests() {
    local name=$1 result=0
    shift
    say "Tests: $name"
    "${limit[@]}" "${tests[@]}" "$@" 2>&1 | tee -a "$logs/test.log" | test_progress || result=$?
    if [[ $result -eq 0 ]]; then return 0; fi
    if [[ $result -eq 124 ]]; then
        echo "error: $name did not end within the time limit" >&2
    elif [[ $result -gt 128 ]]; then
        echo "error: $name was ended by signal $((result - 128))" | tee -a "$logs/test.log" >&2
    fi
    failed+=("$name")
    if [[ $status -eq 0 ]]; then status=$result; fi
}

# Each package in Examples/ is built like anybody else's package that depends on this one. They share the scratch path of this package, where
# SwiftPM finds their dependencies already built.
build_logs=("$logs/build-tests.log")
test_example() {
    local example=$1 folder bundle log=$logs/build-$1.log
    local place=(--package-path "Examples/$example" --scratch-path .build)
    say "Building Examples/$example with tests"
    if ! swift build "${place[@]}" --build-tests 2>&1 | tee "$log" | build_progress; then
        echo "error: Examples/$example does not build" >&2
        failed+=("Examples/$example")
        if [[ $status -eq 0 ]]; then status=1; fi
        return 0
    fi
    build_logs+=("$log")
    folder=$(swift build "${place[@]}" --show-bin-path)
    # Named after the package.
    bundle=$folder/$(sed -nE 's/^    name: "(.*)",$/\1/p' "Examples/$example/Package.swift")PackageTests.xctest
    # The program that run_tests runs.
    local tests=(env -u TERM -u COLORTERM "$bundle" --testing-library swift-testing)
    if [[ ! -f $bundle ]]; then tests=(swift test "${place[@]}" --skip-build --disable-xctest); fi
    run_tests "Examples/$example"
}
test_examples() {
    local folder
    for folder in Examples/*/; do test_example "$(basename "$folder")"; done
}

if [[ "$*" == "--filter Examples" ]]; then
    test_examples
elif [[ $# -gt 0 ]]; then
    run_tests "$*" "$@"
else
    for target in Tests/*/; do
        # Some folders only contain code that several targets share.
        if ! grep -rqw '@Test' "$target"; then continue; fi
        target=$(basename "$target")
        run_tests "$target" --filter "^$target\\."
    done
    test_examples
fi
passed=$(sed -nE 's/.*Test run with ([0-9]+) tests? in .* passed after.*/\1/p' "$logs/test.log" | awk '{n += $1} END {print n + 0}')
if [[ ${#failed[@]} -eq 0 ]]; then say "Every test target passed: $passed tests"; else echo "error: failed: ${failed[*]}" >&2; fi

warnings=0
for log in "${build_logs[@]}"; do scripts/check-warnings.sh "$log" || warnings=$?; done
if [[ $status -eq 0 && $warnings -ne 0 ]] && in_ci; then status=$warnings; fi
exit "$status"
