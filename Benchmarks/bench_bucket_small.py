"""Many small artifacts from an HTTP origin into a bucket or a directory, until all are there, against rclone, and curl and s5cmd where these can."""

import os
import shutil
import time

from bucket_mirror import BucketMirror
from bucket_rows import Way, alternate, rows
from bucket_server import POOL_BUCKET, BucketServer, room
from data import need, origin, random_file, settle
from process import Ran, cpu_seconds, measure, memory
from services import Service
from settings import DATA, LOGS, Settings
from table import Row

OURS = "cloud-mirror"
# Behind the name of a peer.
SYNCED = ", then sync"


def run(settings: Settings, service: Service) -> list[Row]:
    size, count, name = settings.small, settings.small_count, f"{service.name}-small"
    need(room(settings.rounds * 5 * count, size))
    source = random_file(size)
    # Directories with as many names of one file: the origin's own listing is what `rclone copy` goes by.
    listed = source.parent / "listed"
    listed.mkdir(exist_ok=True)
    for number in range(count):
        link = listed / f"{number}.bin"
        if not link.exists():
            link.hardlink_to(source)
    if service.server.keeps_copies:
        settle(settings)
    with origin(f"{name}-origin", listing=True) as web, service.server(name) as server, service.mirror(name, web.base, server) as mirror:

        def ours(number: int) -> Ran:
            urls = [f"{web.base}/small-{number}/listed/{each}.bin" for each in range(count)]
            before, started = cpu_seconds(mirror.pid), time.perf_counter()
            mirror.warm(urls)
            _await(mirror, urls)
            ran = Ran(time.perf_counter() - started, cpu_seconds(mirror.pid) - before, memory(mirror.pid)["VmHWM"], "")
            server.expect(POOL_BUCKET, size, count, OURS)
            if server.keeps_copies:
                server.set_aside(POOL_BUCKET)
            else:
                for url in urls:
                    mirror.purge(url)
                server.expect(POOL_BUCKET, size, 0, OURS)
            return ran

        seen = alternate([(OURS, ours), *peers(name, server, web.base, size, count)], settings.rounds, server)
    return rows(
        name, f"artifacts/s, {count:,} of {size:,} bytes from HTTP into {server.title}", count, seen, OURS,
        lambda peer: service.budget if not server.has_to_sync or peer.startswith("rclone") and peer.endswith(SYNCED) else "")


def _await(mirror: BucketMirror, urls: list[str]) -> None:
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


def peers(name: str, server: BucketServer, web: str, size: int, count: int) -> list[Way]:
    """With as many transfers at once as we make."""
    listing = DATA / f"{name}.csv"
    listing.write_text("".join(f"{web}/urls/listed/{number}.bin,{number}.bin\n" for number in range(count)), encoding="utf-8")
    downloads = DATA / f"{name}-downloads"
    target = f"{server.remote}{POOL_BUCKET}/peer"
    rclone = ["rclone", "--config", "", "--transfers", "16", "--checkers", "16"]
    commands = {
        "rclone copy": [*rclone, "--http-url", f"{web}/rclone/", "copy", ":http:listed", target],
        "rclone copyurl --urls": [*rclone, "copyurl", "--urls", listing, target],
    } | server.small_peers(f"{web}/curl/listed/[0-{count - 1}].bin", downloads)

    def once(peer: str) -> Ran:
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir()
        ran = measure(commands[peer.removesuffix(SYNCED)], LOGS / f"{name}-peers.log", environment=server.environment)
        if peer.endswith(SYNCED):
            started = time.perf_counter()
            os.sync()
            ran.seconds += time.perf_counter() - started
        shutil.rmtree(downloads)
        server.expect(POOL_BUCKET, size, count, peer)
        server.empty(POOL_BUCKET)
        return ran

    peers = [*commands, *(f"{peer}{SYNCED}" for peer in commands)] if server.has_to_sync else [*commands]
    return [(peer, lambda _, peer=peer: once(peer)) for peer in peers]
