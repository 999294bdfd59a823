"""Resident memory with many large copies from an HTTP origin into a bucket under way at once."""

from bench_memory import copy_all
from data import need, origin, random_file
from s3_mirror import S3Mirror
from seaweedfs import POOL_BUCKET, SeaweedFS, room
from settings import MIB, Settings
from table import Row


def run(settings: Settings) -> list[Row]:
    size = settings.large
    need(size + room(settings.copies, size))
    random_file(size)
    with origin("s3-memory-origin") as web, SeaweedFS("s3-memory") as server, S3Mirror("s3-memory", web.base, server) as mirror:
        urls = [f"{web.base}/copy-{number}/{size}.bin" for number in range(settings.copies)]
        peak, seconds = copy_all(mirror, urls, size)
        server.expect(POOL_BUCKET, size, settings.copies, "cloud-mirror")
    total = size * settings.copies / MIB
    return [Row(
        "s3-memory",
        f"MiB resident at the peak, {settings.copies} copies of {size // MIB:,} MiB into S3 at once ({total / seconds:,.0f} MiB/s in all)",
        peak, budget="under 128 MiB", met=peak < 128)]
