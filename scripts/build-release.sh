#!/usr/bin/env bash
# Builds the executable that is deployed: optimised, with the Swift libraries linked in, so that it runs without a toolchain.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

if [[ -x .build/release/cloud-mirror ]]; then
    say "Building the release executable: what has changed"
else
    say "Building the release executable. The first time everything is compiled: about 10 minutes on two cores"
fi
swift build "${release_options[@]}" --product cloud-mirror
