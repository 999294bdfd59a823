# shellcheck shell=bash
# Functions that the scripts share. Source it; it sets the working directory to the root of the checkout.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

say() { printf '==> %s\n' "$*"; }
note() { printf '    note: %s\n' "$*" >&2; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Whether a missing server or tool is a failure (in CI) or only a note.
in_ci() { [[ ${CI:-} == true || ${CI:-} == 1 ]]; }

# ensure_venv DIRECTORY REQUIREMENTS: a Python environment with exactly these packages, verified by the hashes of their files.
# Once it is complete, the requirements are saved next to it, so that a second call only compares two files.
ensure_venv() {
    local directory=$1 requirements=$2
    if cmp -s "$requirements" "$directory/installed.txt"; then return 0; fi
    say "Installing $(grep -c '==' "$requirements") Python packages of $requirements into $directory"
    rm -rf "$directory"
    mkdir -p "$(dirname "$directory")"
    python3 -m venv "$directory" || return 1
    "$directory/bin/pip" install --quiet --no-input --disable-pip-version-check --require-hashes -r "$requirements" || return 1
    cp "$requirements" "$directory/installed.txt"
}

# How the executable that is deployed is built: optimised, with the Swift libraries, without what nothing calls, and without the names of functions,
# which only libraries that are loaded later could ask for.
release_options=(-c release --static-swift-stdlib)
if [[ $(uname) == Linux ]]; then
    release_options+=(-Xswiftc -Xfrontend -Xswiftc -function-sections -Xcc -ffunction-sections -Xcc -fdata-sections -Xlinker --no-export-dynamic)
fi

# The folders and files with our Swift sources, as far as they exist.
swift_paths() {
    local path
    for path in Package.swift Sources Tests Examples Benchmarks; do
        if [[ -e $path ]]; then echo "$path"; fi
    done
}

# A build log has thousands of steps: show one in fifty, and everything that is not a step.
build_progress() { awk '/^\[[0-9]+\/[0-9]+\]/ { if (n++ % 50 == 0) { print; fflush() } next } { print; fflush() }'; }

# A test log has several lines for each test: show what failed, and the counts.
test_progress() { awk '!/^[^ ]+ (Test|Suite) .*( started\.|passed after)|^[^ ]+ Test case passing/ { print substr($0, 1, 500); fflush() }'; }
