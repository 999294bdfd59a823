#!/usr/bin/env bash
# Checks the pages of an executable in Chromium, with its own mirror and origin on this machine, and keeps screenshots of them.
# usage: scripts/screenshots.sh EXECUTABLE [FOLDER]      FOLDER: docs/images unless it is given
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

executable=${1:?"usage: scripts/screenshots.sh EXECUTABLE [FOLDER]"}
images=${2:-docs/images}
scripts/setup.sh
folder=$(mktemp -d)
pids=()
end() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$folder"
}
trap end EXIT

# An origin that sends 24 MB in about eight seconds.
cat >"$folder/origin.py" <<'PYTHON'
import http.server
import time

PIECE, PIECES = b"x" * 300_000, 80


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PIECE) * PIECES))
        self.send_header("ETag", '"1"')
        self.end_headers()
        for _ in range(PIECES):
            self.wfile.write(PIECE)
            time.sleep(0.1)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
python3 "$folder/origin.py" >"$folder/port" &
pids+=($!)
until [[ -s $folder/port ]]; do sleep 0.1; done
origin=http://127.0.0.1:$(cat "$folder/port")

cat >"$folder/config.yaml" <<YAML
listen: 127.0.0.1:0
stateDirectory: $folder/state
admin: {tokens: [a-token-for-the-screenshots]}
origins: {allow: ["$origin/"], requireHTTPS: false, allowAddresses: [127.0.0.0/8]}
pools: {local/dev: {directory: $folder/pool, retention: {maxBytes: 1GiB}}}
selection: {default: local/dev}
YAML
"$executable" serve --config "$folder/config.yaml" --print-ready >"$folder/ready" 2>"$folder/log" &
pids+=($!)
for _ in {1..300}; do
    if grep -q '^ready ' "$folder/ready"; then break; fi
    sleep 0.1
done
url=$(sed -n 's/^ready //p' "$folder/ready")
if [[ -z $url ]]; then
    cat "$folder/log" >&2
    fail "the mirror does not start"
fi
scripts/check-pages.py "$url" "$origin/builds/release-1.2.3-linux-x86_64.tar.zst" "$images" <<<a-token-for-the-screenshots
