#!/usr/bin/env bash
# Writes the digests of base images into deploy/Dockerfile and deploy/compose.yaml: builds then use the same base images until this is run again.
# Run it for a release, on a machine with Docker and access to the registry. An existing digest is replaced.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

command -v docker >/dev/null || fail "docker is missing: it is what asks the registry"

# pin FILE IMAGE: writes the digest after the image's tag.
pin() {
    local digest
    digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$2")
    if [[ ! $digest =~ ^sha256:[0-9a-f]{64}$ ]]; then fail "no digest of $2: $digest"; fi
    sed -i -E "s|([=[:space:]]$2)(@sha256:[0-9a-f]{64})?\$|\\1@$digest|" "$1"
    say "$1: $2@$digest"
}

mapfile -t bases < <(sed -nE 's/^ARG (SWIFT|BASE)=([^@]+).*/\2/p' deploy/Dockerfile)
for image in "${bases[@]}"; do pin deploy/Dockerfile "$image"; done
# Except the image that is built here, from the Dockerfile.
mapfile -t others < <(sed -nE '/image: cloud-mirror:/d; s/^ *image: ([^@]+).*/\1/p' deploy/compose.yaml)
for image in "${others[@]}"; do pin deploy/compose.yaml "$image"; done
scripts/check-versions.py --release
