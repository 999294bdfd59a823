#!/usr/bin/env bash
# Runs the tests of named origins with real clients, also those clients that `make test` leaves out because they take long to install.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh clients
CLOUD_MIRROR_TEST_ALL_CLIENTS=1 exec scripts/test.sh --filter 'EndToEnd.*ClientTests'
