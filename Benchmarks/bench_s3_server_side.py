"""One large object from one bucket into another of the same server, which can copy it by itself: no byte goes through us or through a peer."""

from bench_copy import timed_copy
from bucket_rows import Way, alternate, rows
from bucket_server import ORIGIN_BUCKET, POOL_BUCKET, room
from data import need, random_file
from process import Ran, measure
from s3_mirror import S3Mirror
from seaweedfs import SeaweedFS
from settings import LOGS, MIB, Settings
from table import Row

OURS = "cloud-mirror"


def run(settings: Settings) -> list[Row]:
    size = settings.large
    need(size + room(settings.rounds * 4 + 1, size))
    source = random_file(size)
    with SeaweedFS("s3-server-side") as server, S3Mirror("s3-server-side", server.base, server) as mirror:
        server.s5cmd("cp", source, f"s3://{ORIGIN_BUCKET}/{source.name}")
        url = f"{server.base}/{ORIGIN_BUCKET}/{source.name}"

        def ours(_: int) -> Ran:
            through, within = (mirror.metric(name) for name in COUNTERS)
            ran, location = timed_copy(mirror, url)
            through, within = mirror.metric(COUNTERS[0]) - through, mirror.metric(COUNTERS[1]) - within
            if through >= MIB or within != size:
                raise RuntimeError(f"{within:.0f} bytes of {size} were copied by the server, {through:.0f} came through us")
            server.expect(POOL_BUCKET, size, 1, OURS)
            mirror.purge(url)
            if mirror.sha256(location) is not None:
                raise RuntimeError("the purged object is still served")
            return ran

        seen = alternate([(OURS, ours), *peers(server, source.name, size)], settings.rounds, server)
    return rows(
        "s3-server-side", f"MiB/s, {size // MIB:,} MiB between two buckets of one server", size / MIB, seen, OURS,
        lambda name: "at least rclone and s5cmd")


# What went through the process, and what the server copied by itself.
COUNTERS = ("cloud_mirror_copy_bytes_total", "cloud_mirror_server_side_copy_bytes_total")


def peers(server: SeaweedFS, name: str, size: int) -> list[Way]:
    commands = {
        "s5cmd cp": ["s5cmd", "cp", f"s3://{ORIGIN_BUCKET}/{name}", f"s3://{POOL_BUCKET}/{name}"],
        "rclone copyto": ["rclone", "--config", "", "copyto", f":s3:{ORIGIN_BUCKET}/{name}", f":s3:{POOL_BUCKET}/{name}"],
        # As rclone does with objects of 5 GB and more: parts, copied side by side.
        "rclone copyto, parts of 64 MiB": [
            "rclone", "--config", "", "--s3-copy-cutoff", "64Mi", "copyto", f":s3:{ORIGIN_BUCKET}/{name}", f":s3:{POOL_BUCKET}/{name}"],
    }

    def once(peer: str) -> Ran:
        ran = measure(commands[peer], LOGS / "s3-server-side-peers.log", environment=server.environment)
        server.expect(POOL_BUCKET, size, 1, peer)
        server.empty(POOL_BUCKET)
        return ran

    return [(peer, lambda _, peer=peer: once(peer)) for peer in commands]
