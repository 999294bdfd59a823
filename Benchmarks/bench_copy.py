"""One large artifact from its origin into a local pool, against curl and rclone into a file of the same file system.

We compute SHA-256 and wait for the disk before anyone is redirected; the peers do neither. So each peer is there twice: as it is, and with the
wait for the disk added.
"""

import hashlib
import os
import statistics
import time
from pathlib import Path

from bench_cold_redirect import sync
from data import need, origin, random_file
from mirror import Mirror
from process import Ran, cpu_seconds, measure, memory
from settings import DATA, LOGS, MIB, Settings, say
from table import Row, spread


def run(settings: Settings) -> list[Row]:
    size = settings.large
    need(size * 4)
    source = random_file(size)
    expected = file_sha256(source)
    ours, peers = [], {}
    with origin("copy-origin") as server, Mirror("copy", server.base) as mirror:
        target = DATA / "copy.out"
        commands = {
            "curl -o": ["curl", "--silent", "--show-error", "--fail", "--output", target, f"{server.base}/curl/{size}.bin"],
            "rclone copyurl": ["rclone", "--config", "", "copyurl", f"{server.base}/rclone/{size}.bin", target],
            "rclone copyto, 4 streams": [
                "rclone", "--config", "", "--http-url", f"{server.base}/streams/", "--multi-thread-streams", "4", "--multi-thread-cutoff", "1M",
                "copyto", f":http:{size}.bin", target],
        }
        for number in range(settings.rounds):
            url = f"{server.base}/copy-{number}/{size}.bin"
            os.sync()
            ran, location = timed_copy(mirror, url)
            ours.append(ran)
            if mirror.sha256(location) != expected:
                raise RuntimeError("the copy is not what the origin sent")
            mirror.purge(url)
            if mirror.sha256(location) is not None:
                raise RuntimeError("the purged object is still served")
            for name, command in commands.items():
                os.sync()
                ran = measure(command, LOGS / "copy-peers.log")
                started = time.perf_counter()
                sync(target)
                waited = time.perf_counter() - started
                if target.stat().st_size != size:
                    raise RuntimeError(f"{name} fetched {target.stat().st_size} bytes of {size}")
                target.unlink()
                peers.setdefault(name, []).append((ran, waited))

    rows = []
    seconds = statistics.median(ran.seconds for ran in ours)
    for name, runs in peers.items():
        for label, figures in (
            (name, [ran.seconds for ran, _ in runs]), (f"{name}, then fsync", [ran.seconds + waited for ran, waited in runs]),
        ):
            figure = statistics.median(figures)
            say(f"  {size / MIB / seconds:,.0f} MiB/s, {label}: {size / MIB / figure:,.0f} MiB/s")
            rows.append(Row(
                "copy", f"MiB/s, {size // MIB:,} MiB (we hash and fsync, peers hash nothing)", size / MIB / seconds, label, size / MIB / figure,
                cpu=(statistics.median(ran.cpu for ran in ours), statistics.median(ran.cpu for ran, _ in runs)), cpu_unit="s",
                memory=(max(ran.peak_mib for ran in ours), max(ran.peak_mib for ran, _ in runs)),
                spread=(spread([ran.seconds for ran in ours]), spread(figures)),
                budget="at least rclone" if "rclone" in name and "fsync" in label else "",
                met=seconds <= figure if "rclone" in name and "fsync" in label else None))
    return rows


def timed_copy(mirror: Mirror, url: str) -> tuple[Ran, str]:
    """From the request to the redirect, and where that leads. Peak memory is the server's since its start."""
    before, started = cpu_seconds(mirror.pid), time.perf_counter()
    location, requests = mirror.copied(url)
    seconds = time.perf_counter() - started
    if requests > 1:
        say(f"  the copy took longer than a request waits: {requests} requests, {seconds:.1f} s")
    return Ran(seconds, cpu_seconds(mirror.pid) - before, memory(mirror.pid)["VmHWM"], ""), location


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(8 * MIB):
            digest.update(chunk)
    return digest.hexdigest()
