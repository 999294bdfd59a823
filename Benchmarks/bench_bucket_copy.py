"""One large artifact from an HTTP origin into a bucket, against rclone, and s5cmd where that knows the service, into the same bucket.

We compute SHA-256 of everything that goes through; the peers sign or hash parts, each as it always does. One of them is also measured together with
what computes that digest and nothing else, because a digest costs as much time as everything else.
"""

from bench_copy import file_sha256, timed_copy
from bucket_rows import Way, alternate, rows
from bucket_server import POOL_BUCKET, BucketServer, room
from data import need, origin, random_file
from process import Ran, measure
from services import Service
from settings import LOGS, MIB, Settings
from table import Row

OURS = "cloud-mirror"


def run(settings: Settings, service: Service) -> list[Row]:
    size, name = settings.large, f"{service.name}-copy"
    need(size + room(settings.rounds * 5, size))
    expected = file_sha256(random_file(size))
    with origin(f"{name}-origin") as web, service.server(name) as server, service.mirror(name, web.base, server) as mirror:

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

        seen = alternate([(OURS, ours), *peers(name, server, web.base, size)], settings.rounds, server)
    return rows(
        name, f"MiB/s, {size // MIB:,} MiB from HTTP into {server.title} (we hash all of it)", size / MIB, seen, OURS,
        lambda _: service.budget)


def peers(name: str, server: BucketServer, web: str, size: int) -> list[Way]:
    """Each puts the artifact into the pool's bucket under its own name, and removes it again."""
    target = f"{server.remote}{POOL_BUCKET}/peer.bin"
    streams = ["--multi-thread-streams", "4", "--multi-thread-cutoff", "1M"] if server.takes_streams else []
    copyurl = ["rclone", "--config", "", "copyurl", f"{web}/rclone/{size}.bin", target]
    commands = {
        "rclone copyurl": copyurl,
        "rclone copyurl, and openssl dgst -sha256": ["sh", "-c", 'openssl dgst -sha256 "$0" && exec "$@"', random_file(size), *copyurl],
        f"rclone copyto{', 4 streams' if streams else ''}": [
            "rclone", "--config", "", "--http-url", f"{web}/streams/", *streams, "copyto", f":http:{size}.bin", target],
    } | server.large_peers(f"{web}/s5cmd/{size}.bin")

    def once(peer: str) -> Ran:
        ran = measure(commands[peer], LOGS / f"{name}-peers.log", environment=server.environment)
        server.expect(POOL_BUCKET, size, 1, peer)
        server.empty(POOL_BUCKET)
        return ran

    return [(peer, lambda _, peer=peer: once(peer)) for peer in commands]
