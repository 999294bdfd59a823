#!/usr/bin/env bash
# Starts the servers that the tests need, runs a command, and stops the servers whatever happens.
# usage: scripts/test-servers.sh COMMAND [ARGUMENT...]      e.g. scripts/test-servers.sh swift test --filter EndToEnd
#        scripts/test-servers.sh --install                  only installs them
# scripts/servers.sh lists the environment variables that the command gets. The exit status is that of the command.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

if [[ $# -eq 0 ]]; then fail "usage: scripts/test-servers.sh --install | COMMAND [ARGUMENT...]"; fi

if [[ $1 == --install ]]; then
    if install_servers; then
        say "Servers for the tests are in place: httpbin by gunicorn, SeaweedFS, OpenStack Swift, those that simulate Google's and Azure's storage, and clients of registries"
    else
        missing_server "httpbin, SeaweedFS, OpenStack Swift, the servers that play clouds and the clients of registries could not be installed"
    fi
    exit 0
fi

trap stop_servers EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
start_servers

status=0
"$@" || status=$?
exit "$status"
