# shellcheck shell=bash
# The servers that the tests need, for test.sh and test-servers.sh. To be sourced after lib.sh; the caller traps EXIT with stop_servers.
#
#   install_servers    installs what is missing; 1 when that cannot be done
#   start_servers      starts them side by side and sets the environment that the tests read:
#     CLOUD_MIRROR_TEST_HTTPBIN       http://127.0.0.1:PORT of httpbin
#     CLOUD_MIRROR_TEST_S3_ENDPOINT   http://127.0.0.1:PORT of SeaweedFS, which checks signatures: path-style addressing, region us-east-1
#     CLOUD_MIRROR_TEST_S3_ACCESS_KEY, CLOUD_MIRROR_TEST_S3_SECRET_KEY   of an account that may do everything; anonymous callers may do nothing
#     CLOUD_MIRROR_TEST_OPENSTACK_ENDPOINT, CLOUD_MIRROR_TEST_OPENSTACK_TLS_ENDPOINT   of OpenStack Swift, which checks signatures and refuses
#                                     conditions and checksums; the certificate is in the file CLOUD_MIRROR_TEST_OPENSTACK_CA
#     CLOUD_MIRROR_TEST_OPENSTACK_ACCESS_KEY, CLOUD_MIRROR_TEST_OPENSTACK_SECRET_KEY
#     CLOUD_MIRROR_TEST_GCS_ENDPOINT, CLOUD_MIRROR_TEST_GCS_TLS_ENDPOINT   of a server that refuses what Google Cloud Storage refuses, for its JSON and
#                                     its XML API; the certificate is in the file CLOUD_MIRROR_TEST_GCS_CA. It fails on request, as scripts/cloud-servers says
#     CLOUD_MIRROR_TEST_GCS_CREDENTIALS   the key file of a service account that may do everything in its project; its token_uri is on that server
#     CLOUD_MIRROR_TEST_GCS_HMAC_ACCESS_KEY, CLOUD_MIRROR_TEST_GCS_HMAC_SECRET_KEY   of the same account
#     CLOUD_MIRROR_TEST_AZURE_ENDPOINT, CLOUD_MIRROR_TEST_AZURE_TLS_ENDPOINT   http://127.0.0.1:PORT/ACCOUNT of a server that refuses what Azure Blob
#                                     Storage refuses; the certificate is in the file CLOUD_MIRROR_TEST_AZURE_CA. It fails on request, too
#     CLOUD_MIRROR_TEST_AZURE_ACCOUNT, CLOUD_MIRROR_TEST_AZURE_KEY   of its storage account, the key in base64
#     CLOUD_MIRROR_TEST_PYTHON        a Python that has botocore, google-cloud-storage and azure-storage-blob
#     CLOUD_MIRROR_TEST_CLIENTS       a folder with pip, uv, hf, go, bun and a Python: clients of package registries
#   stop_servers       ends them and removes their data
#
# With CI=true, a server that cannot be started is a failure. Elsewhere it is a note, its variables are not set, and the tests that need it say so.

servers_environment=.build/test-servers
clients_environment=.build/test-clients
servers_logs=.build/logs
servers_lock=.build/test-servers.lock
servers_runs=.build/test-runs
servers_run=
httpbin_pid=
seaweedfs_pid=
seaweedfs_ports=
openstack_pid=
gcs_pid=
azure_pid=

missing_server() {
    if in_ci; then fail "$1"; fi
    note "$1: tests that need it are skipped"
}

install_servers() {
    mkdir -p .build
    # If two runs start at the same time, only one installs.
    (
        flock 9
        ensure_venv "$servers_environment" scripts/requirements/test-servers.txt && install_clients
    ) 9>"$servers_lock"
}

install_clients() {
    ensure_venv "$clients_environment" scripts/requirements/clients.txt
}

start_servers() {
    if ! install_servers; then
        missing_server "httpbin, SeaweedFS, OpenStack Swift, the servers that play clouds and the clients of registries could not be installed"
        return 0
    fi
    mkdir -p "$servers_logs" "$servers_runs"
    make_run
    CLOUD_MIRROR_TEST_PYTHON=$PWD/$servers_environment/bin/python
    CLOUD_MIRROR_TEST_CLIENTS=$PWD/$clients_environment/bin
    export CLOUD_MIRROR_TEST_PYTHON CLOUD_MIRROR_TEST_CLIENTS
    launch_httpbin
    launch_seaweedfs
    launch_openstack
    launch_gcs
    launch_azure
    await_httpbin
    await_openstack
    await_gcs
    await_azure
    await_seaweedfs
}

stop_servers() {
    local pid
    # What it stored goes with it, and being asked it takes half a minute to end.
    for pid in $seaweedfs_pid $openstack_pid $gcs_pid $azure_pid; do kill -KILL "$pid" 2>/dev/null || true; done
    if [[ -n $httpbin_pid ]]; then kill "$httpbin_pid" 2>/dev/null || true; fi
    for pid in $seaweedfs_pid $openstack_pid $gcs_pid $azure_pid $httpbin_pid; do wait "$pid" 2>/dev/null || true; done
    if [[ -n $seaweedfs_pid ]]; then remove_sockets; fi
    seaweedfs_pid=
    openstack_pid=
    gcs_pid=
    azure_pid=
    httpbin_pid=
    if [[ -n $servers_run ]]; then rm -rf "$servers_run"; fi
    servers_run=
}

# A directory for this run. It is locked as long as this shell or one of its servers lives, so that the next run can recognise what a killed run left.
make_run() {
    local left fd
    exec {fd}>"$servers_lock"
    flock "$fd"
    for left in "$servers_runs"/*/; do
        if [[ -e $left/lock ]] && flock --nonblock "$left/lock" true; then rm -rf "$left"; fi
    done
    servers_run=$PWD/$(mktemp -d "$servers_runs/XXXXXX")
    exec {servers_run_lock}>"$servers_run/lock"
    flock "$servers_run_lock"
    exec {fd}>&-
}

# open_log NAME: a log of this run. After the run it is also available as .build/logs/NAME.log, unless a later run has begun.
open_log() {
    : >"$servers_run/$1.log"
    ln -f "$servers_run/$1.log" "$servers_logs/$1.log"
}

# A server ends with this shell, even if the shell is killed.
tied() {
    if command -v setpriv >/dev/null; then exec setpriv --pdeathsig KILL "$@"; else exec "$@"; fi
}

launch_httpbin() {
    open_log httpbin
    # Port 0: the kernel picks a free port, and the log says which one; no port is ever guessed.
    tied "$servers_environment/bin/gunicorn" --bind 127.0.0.1:0 --workers 2 --threads 16 --timeout 120 --graceful-timeout 1 \
        --no-control-socket httpbin:app >>"$servers_run/httpbin.log" 2>&1 &
    httpbin_pid=$!
}

await_httpbin() {
    local log=$servers_run/httpbin.log url
    for _ in $(seq 150); do
        url=$(sed -n 's/.*Listening at: \(http:[^ ]*\).*/\1/p' "$log" | head -n 1)
        if [[ -n $url ]] && curl --noproxy '*' --silent --fail --max-time 2 --output /dev/null "$url/status/200"; then
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

launch_openstack() {
    openstack_access=test:tester$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
    openstack_secret=$(head -c 30 /dev/urandom | base64 -w 0 | tr -d '+/=')
    open_log openstack
    tied "$servers_environment/bin/python" -B -W ignore scripts/openstack-swift.py "$servers_run/openstack" "$openstack_access" "$openstack_secret" \
        >>"$servers_run/openstack.log" 2>&1 &
    openstack_pid=$!
}

await_openstack() {
    local ports
    await_ports openstack "$openstack_pid" "OpenStack Swift" || return 0
    export CLOUD_MIRROR_TEST_OPENSTACK_ENDPOINT=http://127.0.0.1:${ports% *}
    export CLOUD_MIRROR_TEST_OPENSTACK_TLS_ENDPOINT=https://localhost:${ports#* }
    export CLOUD_MIRROR_TEST_OPENSTACK_CA=$servers_run/openstack/tls.pem
    export CLOUD_MIRROR_TEST_OPENSTACK_ACCESS_KEY=$openstack_access
    export CLOUD_MIRROR_TEST_OPENSTACK_SECRET_KEY=$openstack_secret
    say "OpenStack Swift listens at $CLOUD_MIRROR_TEST_OPENSTACK_ENDPOINT"
}

# await_ports NAME PID WORDS: sets `ports` to the two that one of our servers says in its log. When it does not within 20 s, says that the server
# is missing, with its log on standard error, and returns 1.
await_ports() {
    local log=$servers_run/$1.log
    for _ in $(seq 200); do
        ports=$(sed -n 's/^listening on \([0-9]*\), over TLS on \([0-9]*\)$/\1 \2/p' "$log")
        if [[ -n $ports ]]; then return 0; fi
        if ! kill -0 "$2" 2>/dev/null; then break; fi
        sleep 0.1
    done
    cat "$log" >&2
    missing_server "$3 did not start within 20 s, its log is above"
    return 1
}

launch_gcs() {
    gcs_access=GOOG1E$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | tr a-f A-F)
    gcs_secret=$(head -c 30 /dev/urandom | base64 -w 0)
    open_log gcs
    tied "$servers_environment/bin/python" -B scripts/cloud-servers/gcs-server.py "$servers_run/gcs" "$gcs_access" "$gcs_secret" \
        >>"$servers_run/gcs.log" 2>&1 &
    gcs_pid=$!
}

await_gcs() {
    local ports
    await_ports gcs "$gcs_pid" "the server that plays Google Cloud Storage" || return 0
    export CLOUD_MIRROR_TEST_GCS_ENDPOINT=http://127.0.0.1:${ports% *}
    export CLOUD_MIRROR_TEST_GCS_TLS_ENDPOINT=https://localhost:${ports#* }
    export CLOUD_MIRROR_TEST_GCS_CA=$servers_run/gcs/tls.pem
    export CLOUD_MIRROR_TEST_GCS_CREDENTIALS=$servers_run/gcs/service-account.json
    export CLOUD_MIRROR_TEST_GCS_HMAC_ACCESS_KEY=$gcs_access
    export CLOUD_MIRROR_TEST_GCS_HMAC_SECRET_KEY=$gcs_secret
    say "The server that simulates Google Cloud Storage listens at $CLOUD_MIRROR_TEST_GCS_ENDPOINT"
}

launch_azure() {
    azure_account=tests$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
    azure_key=$(head -c 64 /dev/urandom | base64 -w 0)
    open_log azure
    tied "$servers_environment/bin/python" -B scripts/cloud-servers/azure-server.py "$servers_run/azure" "$azure_account" "$azure_key" \
        >>"$servers_run/azure.log" 2>&1 &
    azure_pid=$!
}

await_azure() {
    local ports
    await_ports azure "$azure_pid" "the server that plays Azure Blob Storage" || return 0
    export CLOUD_MIRROR_TEST_AZURE_ENDPOINT=http://127.0.0.1:${ports% *}/$azure_account
    export CLOUD_MIRROR_TEST_AZURE_TLS_ENDPOINT=https://localhost:${ports#* }/$azure_account
    export CLOUD_MIRROR_TEST_AZURE_CA=$servers_run/azure/tls.pem
    export CLOUD_MIRROR_TEST_AZURE_ACCOUNT=$azure_account
    export CLOUD_MIRROR_TEST_AZURE_KEY=$azure_key
    say "The server that simulates Azure Blob Storage listens at $CLOUD_MIRROR_TEST_AZURE_ENDPOINT"
}

# The first of four consecutive free ports; the ports 10000 above them, where SeaweedFS speaks gRPC, are free too.
# All of them are below the ports that the kernel assigns (ip_local_port_range), and the two ranges never overlap.
free_ports() {
    python3 - <<'PYTHON'
import random
import socket
import sys

for _ in range(200):
    first = random.randrange(12000, 22000, 4)
    probes = []
    try:
        for port in [first + offset + step for offset in (0, 10000) for step in range(4)]:
            probe = socket.socket()
            probes.append(probe)
            probe.bind(("127.0.0.1", port))
    except OSError:
        continue
    finally:
        for probe in probes:
            probe.close()
    print(first)
    sys.exit()
sys.exit("no eight free ports")
PYTHON
}

launch_seaweedfs() {
    local first access secret data=$servers_run/seaweedfs
    if ! first=$(free_ports); then return 0; fi
    # New for each run: a server that accepts them is the one that this run started.
    access=tester$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
    secret=$(head -c 30 /dev/urandom | base64 -w 0)
    rm -rf "$data"
    mkdir -p "$data"
    cat >"$servers_run/seaweedfs.json" <<JSON
{"identities": [
    {"name": "tester", "credentials": [{"accessKey": "$access", "secretKey": "$secret"}],
     "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
    {"name": "anonymous", "actions": []}
]}
JSON
    open_log seaweedfs
    seaweedfs_ports=$first
    seaweedfs_access=$access
    seaweedfs_secret=$secret
    # A bucket takes at least one volume, and by default seven at once, so that many buckets would use them all up. Volumes are not allocated
    # in advance and cost nothing while empty. As with AWS, a bucket that does not exist is an error.
    WEED_MASTER_VOLUME_GROWTH_COPY_1=1 TMPDIR=$servers_run tied "$servers_environment/bin/weed" server -dir="$data" \
        -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3 -s3.port="$first" -s3.port.grpc=$((first + 10000)) -master.port=$((first + 1)) \
        -volume.port=$((first + 2)) -filer.port=$((first + 3)) -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$servers_run/seaweedfs.json" \
        -s3.autoCreateBucket=false -master.volumeSizeLimitMB=4096 -volume.max=1000 -master.volumePreallocate=false -master.telemetry=false \
        >>"$servers_run/seaweedfs.log" 2>&1 &
    seaweedfs_pid=$!
}

await_seaweedfs() {
    local url attempt
    for attempt in 1 2 3; do
        if [[ $attempt -gt 1 ]]; then launch_seaweedfs; fi
        if [[ -z $seaweedfs_pid ]]; then break; fi
        url=http://127.0.0.1:$seaweedfs_ports
        for _ in $(seq 300); do
            if seaweedfs_answers "$url"; then
                export CLOUD_MIRROR_TEST_S3_ENDPOINT=$url
                export CLOUD_MIRROR_TEST_S3_ACCESS_KEY=$seaweedfs_access
                export CLOUD_MIRROR_TEST_S3_SECRET_KEY=$seaweedfs_secret
                say "SeaweedFS listens at $url"
                return 0
            fi
            # Another process has taken a port since the check: try other ports.
            if ! kill -0 "$seaweedfs_pid" 2>/dev/null; then break; fi
            sleep 0.1
        done
        kill -KILL "$seaweedfs_pid" 2>/dev/null || true
        wait "$seaweedfs_pid" 2>/dev/null || true
        remove_sockets
        seaweedfs_pid=
    done
    if [[ -e $servers_run/seaweedfs.log ]]; then tail -n 40 "$servers_run/seaweedfs.log" >&2; fi
    missing_server "SeaweedFS did not start, the end of its log is above"
}

# Tests whether an object can be stored: the S3 server answers before there is a volume to write to.
seaweedfs_answers() {
    local url=$1 bucket=started-$$
    signed "$url/" || return 1
    signed --request PUT "$url/$bucket" || true # It may exist from an earlier call.
    signed --request PUT --data-binary ready "$url/$bucket/ready" || return 1
    signed --request DELETE "$url/$bucket/ready" && signed --request DELETE "$url/$bucket"
}

signed() {
    # The key is passed on standard input, because everybody can see arguments. The header is needed because curl signs bodies differently from S3.
    curl --noproxy '*' --silent --fail --max-time 5 --output /dev/null --aws-sigv4 aws:amz:us-east-1:s3 \
        --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --config - "$@" \
        <<<"user = \"$seaweedfs_access:$seaweedfs_secret\""
}

# SeaweedFS creates sockets in /tmp, whatever TMPDIR says, and leaves them behind.
remove_sockets() {
    local step
    for step in 0 1 2 3; do
        rm -f /tmp/seaweedfs-*-$((seaweedfs_ports + step)).sock /tmp/seaweedfs-*-$((seaweedfs_ports + 10000 + step)).sock
    done
}
