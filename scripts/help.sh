#!/usr/bin/env bash
# Prints each target of a Makefile with its comment.
set -euo pipefail

echo "cloud-mirror: make TARGET [ARGS=\"...\"]"
echo
awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $1, $2 }' "$@"
