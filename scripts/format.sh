#!/usr/bin/env bash
# Rewrites the Swift sources in the format of .swift-format.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

mapfile -t paths < <(swift_paths)
swift format format --in-place --recursive --parallel "${paths[@]}"
say "Formatted: ${paths[*]}"
