#!/usr/bin/env bash
# Runs a command with the servers that the tests need, and stops them whatever happens.
# usage: scripts/test-servers.sh COMMAND [ARGUMENT...]      e.g. scripts/test-servers.sh swift test --filter EndToEnd
#        scripts/test-servers.sh --install                  only installs them
# The command sees CLOUD_MIRROR_TEST_HTTPBIN=http://127.0.0.1:PORT. The exit status is the command's own.
# With CI=true a server that cannot be had is a failure; elsewhere a note, and the tests say that they were skipped.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

environment=.build/test-servers
logs=.build/logs
httpbin_pid=

missing_server() {
    if in_ci; then fail "$1"; fi
    note "$1: tests that need it are skipped"
}

# shellcheck disable=SC2329 # called by the trap
stop_servers() {
    if [[ -n $httpbin_pid ]]; then
        kill "$httpbin_pid" 2>/dev/null || true
        wait "$httpbin_pid" 2>/dev/null || true
        httpbin_pid=
    fi
}

start_httpbin() {
    local log=$logs/httpbin.log url
    mkdir -p "$logs"
    # Port 0: the kernel picks a free one, and the log says which; no port is ever guessed.
    "$environment/bin/gunicorn" --bind 127.0.0.1:0 --workers 2 --threads 16 --timeout 120 --graceful-timeout 1 --no-control-socket \
        httpbin:app >"$log" 2>&1 &
    httpbin_pid=$!
    for _ in $(seq 150); do
        url=$(sed -n 's/.*Listening at: \(http:[^ ]*\).*/\1/p' "$log" | head -n 1)
        if [[ -n $url ]] && curl --silent --fail --max-time 2 --output /dev/null "$url/status/200"; then
            export CLOUD_MIRROR_TEST_HTTPBIN=$url
            say "httpbin listens at $url"
            return 0
        fi
        if ! kill -0 "$httpbin_pid" 2>/dev/null; then break; fi
        sleep 0.1
    done
    cat "$log" >&2
    missing_server "httpbin did not start within 15 s, its log is above"
}

if [[ $# -eq 0 ]]; then fail "usage: scripts/test-servers.sh --install | COMMAND [ARGUMENT...]"; fi

installed=true
ensure_venv "$environment" scripts/requirements/test-servers.txt || installed=false
if [[ $installed == false ]]; then missing_server "httpbin could not be installed"; fi
if [[ $1 == --install ]]; then
    if [[ $installed == true ]]; then say "Servers for the tests are in place: httpbin by gunicorn"; fi
    exit 0
fi

trap stop_servers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [[ $installed == true ]]; then start_httpbin; fi

status=0
"$@" || status=$?
exit "$status"
