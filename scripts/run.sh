#!/usr/bin/env bash
# Builds the release executable if necessary, and serves. All arguments go to `cloud-mirror serve`.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
scripts/build-release.sh
executable=$(swift build "${release_options[@]}" --show-bin-path)/cloud-mirror
say "cloud-mirror serve $*"
exec "$executable" serve "$@"
