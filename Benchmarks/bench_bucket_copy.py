"""One large artifact from an HTTP origin into a bucket, against rclone and s5cmd into the same bucket.

We compute SHA-256 of everything that goes through; the peers sign or hash parts, each as it always does.
"""

from bench_copy import file_sha256, timed_copy
from data import need, origin, random_file
from process import Ran, measure
from s3_mirror import S3Mirror
from bucket_rows import Way, alternate, rows
from seaweedfs import POOL_BUCKET, SeaweedFS, room
from settings import LOGS, MIB, Settings
from table import Row

OURS = "cloud-mirror"


def run(settings: Settings) -> list[Row]:
    size = settings.large
    need(size + room(settings.rounds * 4, size))
    expected = file_sha256(random_file(size))
    with origin("s3-copy-origin") as web, SeaweedFS("s3-copy") as server, S3Mirror("s3-copy", web.base, server) as mirror:

        def ours(number: int) -> Ran:
            url = f"{web.base}/copy-{number}/{size}.bin"
            ran, location = timed_copy(mirror, url)
            server.expect(POOL_BUCKET, size, 1, OURS)
            if mirror.sha256(location) != expected:
                raise RuntimeError("the copy is not what the origin sent")
            mirror.purge(url)
            if mirror.sha256(location) is not None:
                raise RuntimeError("the purged object is still served")
            return ran

        seen = alternate([(OURS, ours), *peers(server, web.base, size)], settings.rounds, server)
    return rows(
        "s3-copy", f"MiB/s, {size // MIB:,} MiB from HTTP into S3 (we hash all of it)", size / MIB, seen, OURS,
        lambda name: "at least rclone and s5cmd")


def peers(server: SeaweedFS, web: str, size: int) -> list[Way]:
    """Each puts the artifact into the pool's bucket under its own name, and removes it again."""
    target = f"{POOL_BUCKET}/peer.bin"
    commands = {
        "rclone copyurl": ["rclone", "--config", "", "copyurl", f"{web}/rclone/{size}.bin", f":s3:{target}"],
        "rclone copyto, 4 streams": [
            "rclone", "--config", "", "--http-url", f"{web}/streams/", "--multi-thread-streams", "4", "--multi-thread-cutoff", "1M",
            "copyto", f":http:{size}.bin", f":s3:{target}"],
        "curl, s5cmd pipe": [
            "bash", "-c", 'set -o pipefail; curl --silent --show-error --fail "$1" | s5cmd pipe "$2"', "bash",
            f"{web}/s5cmd/{size}.bin", f"s3://{target}"],
    }

    def once(name: str) -> Ran:
        ran = measure(commands[name], LOGS / "s3-copy-peers.log", environment=server.environment)
        server.expect(POOL_BUCKET, size, 1, name)
        server.empty(POOL_BUCKET)
        return ran

    return [(name, lambda _, name=name: once(name)) for name in commands]
