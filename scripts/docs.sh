#!/usr/bin/env bash
# Regenerates the references that are checked in, and builds the API documentation of the library products into .build/docs.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "Building cloud-mirror (debug), which knows its own configuration"
swift build --product cloud-mirror 2>&1 | build_progress
executable=$(swift build --show-bin-path)/cloud-mirror

# generate SUBCOMMAND FILE: through a temporary file, so that a failure leaves the old one whole.
generate() {
    mkdir -p "$(dirname "$2")"
    "$executable" generate "$1" >"$2.new" || {
        rm -f "$2.new"
        fail "cloud-mirror generate $1"
    }
    mv "$2.new" "$2"
    say "Wrote $2"
}
generate configuration-reference docs/configuration.md
generate configuration-example config/cloud-mirror.example.yaml

# insert SUBCOMMAND PAGE MARK: what stands between two marks of a page.
insert() {
    "$executable" generate "$1" >"$2.part" || fail "cloud-mirror generate $1"
    sed -e "/<!-- $3 -->/,/<!-- \/$3 -->/{//!d}" -e "/<!-- $3 -->/r $2.part" "$2" >"$2.new"
    mv "$2.new" "$2"
    rm -f "$2.part"
    say "Wrote the $3 of $2"
}
insert capability-table docs/storage-backends.md capabilities
insert bucket-policies docs/operations.md policies
insert limits docs/security.md limits

for target in MirrorCore MirrorStorage MirrorState MirrorTesting; do
    say "API documentation of $target"
    mkdir -p ".build/docs/$target"
    swift package --allow-writing-to-directory ".build/docs/$target" generate-documentation --target "$target" \
        --output-path ".build/docs/$target" --transform-for-static-hosting
done
say "API documentation: .build/docs/*/index.html"
