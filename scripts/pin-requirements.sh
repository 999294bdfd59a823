#!/usr/bin/env bash
# Writes scripts/requirements/*.txt anew: the versions that the .in file beside each names, those that they depend on, and the hashes of all their files.
# To be run after a change of an .in file. `make check` says when one was forgotten; pip installs nothing whose hash is another.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

ensure_venv .build/pins scripts/requirements/pins.txt
for wanted in scripts/requirements/*.in; do
    pins=${wanted%.in}.txt
    {
        echo "# Made of $(basename "$wanted") by scripts/pin-requirements.sh; do not edit."
        # For every Python that scripts/setup.sh takes, whichever runs here.
        .build/pins/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
            --no-emit-index-url "$wanted"
    } >"$pins.new"
    mv "$pins.new" "$pins"
    say "Wrote $pins"
done
