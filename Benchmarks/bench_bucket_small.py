"""Many small artifacts from an HTTP origin into a bucket, until all are there, against rclone, and curl with s5cmd."""

import shutil
import time

from data import need, origin, random_file
from process import Ran, cpu_seconds, measure, memory
from s3_mirror import S3Mirror
from bucket_rows import Way, alternate, rows
from seaweedfs import POOL_BUCKET, SeaweedFS, room
from settings import DATA, LOGS, Settings
from table import Row

OURS = "cloud-mirror"


def run(settings: Settings) -> list[Row]:
    size, count = settings.small, settings.small_count
    need(room(settings.rounds * 5 * count, size))
    source = random_file(size)
    # Directories with as many names of one file: the origin's own listing is what `rclone copy` goes by.
    listed = source.parent / "listed"
    listed.mkdir(exist_ok=True)
    for number in range(count):
        name = listed / f"{number}.bin"
        if not name.exists():
            name.hardlink_to(source)
    with origin("s3-small-origin", listing=True) as web, SeaweedFS("s3-small") as server, S3Mirror("s3-small", web.base, server) as mirror:

        def ours(number: int) -> Ran:
            urls = [f"{web.base}/small-{number}/listed/{each}.bin" for each in range(count)]
            before, started = cpu_seconds(mirror.pid), time.perf_counter()
            mirror.warm(urls)
            _await(mirror, urls)
            ran = Ran(time.perf_counter() - started, cpu_seconds(mirror.pid) - before, memory(mirror.pid)["VmHWM"], "")
            server.expect(POOL_BUCKET, size, count, OURS)
            for url in urls:
                mirror.purge(url)
            server.expect(POOL_BUCKET, size, 0, OURS)
            return ran

        seen = alternate([(OURS, ours), *peers(server, web.base, size, count)], settings.rounds, server)
    return rows(
        "s3-small", f"artifacts/s, {count:,} of {size:,} bytes from HTTP into S3", count, seen, OURS,
        lambda name: "at least rclone and s5cmd")


def _await(mirror: S3Mirror, urls: list[str]) -> None:
    """Asks for one after the other, over one connection: each answer comes when its copy is there, most of them at once."""
    connection, deadline = mirror.connect(), time.monotonic() + 600
    try:
        for url in urls:
            while True:
                status, location = mirror.redirect(connection, url)
                if status != 302:
                    raise RuntimeError(f"{status} instead of a redirect for {url}, see {mirror.log}")
                if mirror.is_copy(location):
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no copy of {url} within 600 s, see {mirror.log}")
    finally:
        connection.close()


def peers(server: SeaweedFS, web: str, size: int, count: int) -> list[Way]:
    """With as many transfers at once as we make."""
    listing = DATA / "s3-small.csv"
    listing.write_text("".join(f"{web}/urls/listed/{number}.bin,{number}.bin\n" for number in range(count)), encoding="utf-8")
    downloads = DATA / "s3-small-downloads"
    rclone = ["rclone", "--config", "", "--transfers", "16", "--checkers", "16"]
    commands = {
        "rclone copy": [*rclone, "--http-url", f"{web}/rclone/", "copy", ":http:listed", f":s3:{POOL_BUCKET}/peer"],
        "rclone copyurl --urls": [*rclone, "copyurl", "--urls", listing, f":s3:{POOL_BUCKET}/peer"],
        "curl -Z into files, s5cmd cp": [
            "bash", "-c",
            'set -e; curl --silent --show-error --fail --parallel --parallel-max 16 --output "$1/#1.bin" "$2"; '
            's5cmd --log error cp "$1/" "$3"',
            "bash", downloads, f"{web}/curl/listed/[0-{count - 1}].bin", f"s3://{POOL_BUCKET}/peer/"],
    }

    def once(name: str) -> Ran:
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir()
        ran = measure(commands[name], LOGS / "s3-small-peers.log", environment=server.environment)
        shutil.rmtree(downloads)
        server.expect(POOL_BUCKET, size, count, name)
        server.empty(POOL_BUCKET)
        return ran

    return [(name, lambda _, name=name: once(name)) for name in commands]
