#!/usr/bin/env bash
# Copies an object of 5 GiB into a bucket of a real S3 server and back, with the release executable, and checks its memory use.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
scripts/test-servers.sh --install
scripts/build-release.sh
say "Building the tests"
swift build --build-tests 2>&1 | build_progress
CLOUD_MIRROR_EXECUTABLE=$PWD/.build/release/cloud-mirror
export CLOUD_MIRROR_EXECUTABLE CLOUD_MIRROR_TEST_LARGE=1
scripts/test-servers.sh swift test --skip-build --disable-xctest --filter '^EndToEndTests\..*LargeObjectTests'
