#!/usr/bin/env bash
# Writes the bill of materials of the executable into .build/sbom: of the release build if there is one, else of the debug build. (Both link the same.)
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

output=.build/sbom/cloud-mirror.cdx.json
if [[ -x .build/release/cloud-mirror ]]; then
    build=.build/release
else
    say "Building cloud-mirror (debug)"
    swift build --product cloud-mirror 2>&1 | build_progress
    build=$(swift build --show-bin-path)
fi
scripts/sbom.py "$build" "$output"
say "Wrote $output: $(grep -c '"purl"' "$output") parts with a package URL"
