#!/usr/bin/env bash
# Prints each target of a Makefile with the comment behind it.
set -euo pipefail

echo "cloud-mirror: make TARGET [ARGS=\"...\"]"
echo
awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $1, $2 }' "$@"
