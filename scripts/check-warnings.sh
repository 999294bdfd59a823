#!/usr/bin/env bash
# Fails if a build log has a warning in this package's own sources; warnings in its dependencies do not count.
# An incremental build does not repeat the warnings of files that it does not compile: only the log of a clean build proves that there are none.
# usage: scripts/check-warnings.sh LOG
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

log=${1:?usage: scripts/check-warnings.sh LOG}
# The expansion of a macro has no path in its first line; none of the dependencies expands macros.
own="^macro expansion .*: warning: |^$root/(Sources|Tests|Examples|Package\.swift).*: warning: |^warning: '($(basename "$root")|cloud-mirror)': "
if found=$(grep -E "$own" "$log" | sort -u); then
    printf '%s\n' "$found"
    echo "error: $(wc -l <<<"$found") warnings in our own sources" >&2
    exit 1
fi
