#!/usr/bin/env bash
# Rewrites scripts/requirements/*.txt: the versions in the .in file of the same name, their dependencies, and the hashes of all their files.
# Run it after a change to an .in file. `make check` reports a stale file; pip installs nothing with a different hash.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

ensure_venv .build/pins scripts/requirements/pins.txt
for wanted in scripts/requirements/*.in; do
    pins=${wanted%.in}.txt
    {
        echo "# Made of $(basename "$wanted") by scripts/pin-requirements.sh; do not edit."
        # For every version of Python that scripts/setup.sh accepts, not only the one that runs here.
        .build/pins/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
            --no-emit-index-url "$wanted"
    } >"$pins.new"
    mv "$pins.new" "$pins"
    say "Wrote $pins"
done
