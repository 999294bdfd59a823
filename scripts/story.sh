#!/usr/bin/env bash
# Shows what the mirror is for, on this machine alone: two regions (two buckets), two front ends, two copiers, one Redis.
# Fails if anything differs from what it prints. Installs and builds what it needs.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/servers.sh
source scripts/servers.sh
# These servers are required even where the tests would be skipped without them.
export CI=true

scripts/setup.sh
if [[ -z ${CLOUD_MIRROR_EXECUTABLE:-} ]]; then
    say "Building cloud-mirror (debug)"
    swift build --product cloud-mirror 2>&1 | build_progress
    CLOUD_MIRROR_EXECUTABLE=$(swift build --show-bin-path)/cloud-mirror
fi

pids=()
end() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    stop_servers
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tell() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '    %s\n' "$*"; }

# ---- The environment: an S3 server with a bucket for each region, and a Redis.
install_servers || fail "SeaweedFS could not be installed"
mkdir -p "$servers_logs" "$servers_runs"
make_run
launch_seaweedfs
await_seaweedfs
s3=$CLOUD_MIRROR_TEST_S3_ENDPOINT
for bucket in artifacts-us-west-2 mirror-eu-central-1; do signed --request PUT "$s3/$bucket"; done

redis_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start_redis() {
    open_log redis
    tied redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$servers_run" \
        --maxmemory 256mb --maxmemory-policy volatile-lru >>"$servers_run/redis.log" 2>&1 &
    redis_pid=$!
    pids+=("$redis_pid")
    # The shell does not report that it was killed, because that is part of the story.
    disown
    for _ in $(seq 100); do
        if redis-cli -p "$redis_port" ping 2>/dev/null | grep -q PONG; then return 0; fi
        sleep 0.05
    done
    fail "redis-server did not start: $servers_logs/redis.log"
}
start_redis

# ---- The mirror: two front ends that never copy, two copiers in the readers' region.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
cat >"$servers_run/mirror.yaml" <<YAML
listen: 127.0.0.1:0
stateDirectory: $servers_run/state
admin: {tokens: ["$token"]}
origins:
  requireHTTPS: false
  s3: [{bucket: artifacts-us-west-2, endpoint: "$s3", region: us-west-2, credentials: &keys {accessKeyID: "$CLOUD_MIRROR_TEST_S3_ACCESS_KEY", secretAccessKey: "$CLOUD_MIRROR_TEST_S3_SECRET_KEY"}}]
pools:
  s3/eu-central-1: {bucket: mirror-eu-central-1, endpoint: "$s3", access: presigned, credentials: *keys}
state: {redis: {url: "redis://127.0.0.1:$redis_port/0"}}
copy: {lease: 5s}
YAML

# start NAME COMMAND...: sets url to where it listens.
start() {
    local name=$1
    shift
    open_log "$name"
    : >"$servers_run/$name.ready"
    tied "$CLOUD_MIRROR_EXECUTABLE" "$@" --config "$servers_run/mirror.yaml" --print-ready \
        >"$servers_run/$name.ready" 2>>"$servers_run/$name.log" &
    pids+=($!)
    for _ in $(seq 200); do
        url=$(sed -n 's/^ready //p' "$servers_run/$name.ready")
        if [[ -n $url ]]; then return 0; fi
        sleep 0.05
    done
    tail -n 20 "$servers_run/$name.log" >&2
    fail "$name did not start"
}
start front-1 serve --no-copiers && front1=$url
start front-2 serve --no-copiers && front2=$url
start copier-1 copier --listen 127.0.0.1:0 && copier1=$url
start copier-2 copier --listen 127.0.0.1:0 && copier2=$url

# ---- What clients do.
artifact=s3%3A%2F%2Fartifacts-us-west-2%2Ffirefox-50.tar.bz2
# ask FRONT-END: one request; sets status, outcome, location, milliseconds.
ask() {
    local head seconds
    head=$(curl --noproxy '*' --silent --output /dev/null --dump-header - --write-out 'Seconds: %{time_total}\n' \
        "$1/v1/redirect/s3/eu-central-1/$artifact" | tr -d '\r')
    status=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' <<<"$head")
    outcome=$(sed -n 's/^X-Cloud-Mirror-Outcome: //p' <<<"$head")
    location=$(sed -n 's/^Location: //p' <<<"$head")
    seconds=$(sed -n 's/^Seconds: //p' <<<"$head")
    milliseconds=$(awk -v s="$seconds" 'BEGIN { printf "%.0f", s * 1000 }')
    show "$status ${outcome:-?} in $milliseconds ms -> ${location%%\?*}"
}
expect() {
    if [[ $status != 302 || $outcome != "$1" || $location != "$s3/mirror-eu-central-1/"* ]]; then
        fail "expected a redirect to eu-central-1 by '$1', got $status '$outcome' to $location"
    fi
}
copies() {
    curl --noproxy '*' --silent "$copier1/metrics" "$copier2/metrics" |
        awk '/^cloud_mirror_copies_total.*result="present"/ { n += $2 } END { print n + 0 }'
}
carried() {
    curl --noproxy '*' --silent "$copier1/metrics" "$copier2/metrics" | awk '/^cloud_mirror_copy_bytes_total/ { n += $2 } END { print n + 0 }'
}

head -c 64M /dev/urandom >"$servers_run/firefox-50.tar.bz2"
signed --upload-file "$servers_run/firefox-50.tar.bz2" "$s3/artifacts-us-west-2/firefox-50.tar.bz2"
sum=$(sha256sum <"$servers_run/firefox-50.tar.bz2")

tell "firefox-50.tar.bz2 (64 MiB) is kept in us-west-2. A test machine in eu-central-1 requests it from front end 1."
ask "$front1"
expect wait
if [[ $(curl --noproxy '*' --silent "$location" | sha256sum) != "$sum" ]]; then fail "the redirect does not lead to the artifact"; fi
show "the download has the right SHA-256, ${sum%% *}"

tell "A second machine asks the other front end, and is redirected at once."
ask "$front2"
expect hit
ask "$front2"
expect hit
show "copies made: $(copies), bytes through a copier: $(carried) (the service copied from bucket to bucket)"
[[ $(copies) == 1 ]] || fail "there was more than one copy"

tell "It is purged on front end 1. Front end 2, which had it in memory, gets it copied again."
curl --noproxy '*' --silent --fail --request DELETE --header "Authorization: Bearer $token" --output /dev/null \
    "$front1/v1/purge/s3/eu-central-1/$artifact"
ask "$front2"
expect wait
ask "$front2"
expect hit

tell "Redis is killed. Redirects that are in memory still work; other requests would go to the origin."
kill -KILL "$redis_pid"
while redis-cli -p "$redis_port" ping >/dev/null 2>&1; do sleep 0.05; done
ask "$front2"
expect hit
show "readyz: $(curl --noproxy '*' --silent "$front2/readyz")"

tell "Redis is back, and empty. Front end 1 finds the copy in the bucket; nothing is copied again."
start_redis
for _ in $(seq 50); do
    if curl --noproxy '*' --silent "$front1/readyz" | grep -q '"status":"ok"'; then break; fi
    sleep 0.1
done
ask "$front1"
expect backfill
[[ $(copies) == 2 ]] || fail "it was copied again"

tell "Done. The bytes crossed between the regions only twice: for the first request, and after the purge."
