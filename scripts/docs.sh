#!/usr/bin/env bash
# Regenerates the references that are checked in, and builds the API documentation of the library products into .build/docs/site. Fails on a warning from docc.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "Building everything (debug): cloud-mirror knows its own configuration, and the modules have the comments"
swift build 2>&1 | build_progress
build=$(swift build --show-bin-path)
executable=$build/cloud-mirror

# generate SUBCOMMAND FILE: through a temporary file, so that a failure leaves the old file intact.
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
generate grafana-dashboard deploy/monitoring/grafana-dashboard.json
generate alert-rules deploy/monitoring/alert-rules.yaml
generate recording-rules deploy/monitoring/recording-rules.yaml

# insert SUBCOMMAND PAGE MARK: replaces the text between two marks of a page.
insert() {
    "$executable" generate "$1" >"$2.part" || fail "cloud-mirror generate $1"
    sed -e "/<!-- $3 -->/,/<!-- \/$3 -->/{//!d}" -e "/<!-- $3 -->/r $2.part" "$2" >"$2.new"
    mv "$2.new" "$2"
    rm -f "$2.part"
    say "Wrote the $3 of $2"
}
insert capability-table docs/storage-backends.md capabilities
insert copy-table docs/storage-backends.md copies
insert bucket-policies docs/operations.md policies
insert limits docs/security.md limits
insert client-recipes docs/clients.md recipes

# One archive for each library product, in the order of the manifest, so that it can link to the ones before it; then they are merged into one.
say "Symbols of the library products"
scripts/check-docs.py "$build" .build/docs/symbols
mapfile -t modules < <(sed -nE 's/^ +\.library\(name: "([^"]+)".*/\1/p' Package.swift)
archives=()
links=()
for module in "${modules[@]}"; do
    say "API documentation of $module"
    archive=.build/docs/$module.doccarchive
    # Comments describe only parameters that are not self-explanatory, so missing descriptions are not a warning.
    docc convert "Sources/$module/$module.docc" --additional-symbol-graph-dir ".build/docs/symbols/$module" --output-path "$archive" \
        --fallback-bundle-identifier "$module" --warnings-as-errors --disable-parameters-and-returns-validation \
        --enable-experimental-external-link-support "${links[@]}"
    archives+=("$archive")
    links+=(--dependency "$archive")
done
rm -rf .build/docs/site
docc merge "${archives[@]}" --synthesized-landing-page-name cloud-mirror --output-path .build/docs/site
say "API documentation: python3 -m http.server --directory .build/docs/site, then http://127.0.0.1:8000/documentation/"
