"""From the request for an artifact that nobody has copied to the redirect, against curl fetching the same into a file."""

import os
import statistics
import time
from pathlib import Path

from data import need, origin, random_file, settle
from mirror import Mirror
from process import measure
from settings import DATA, GIB, LOGS, MIB, Settings, say
from table import Row, spread


def run(settings: Settings) -> list[Row]:
    need(sum(size * settings.cold_runs for size in settings.cold_sizes))
    settle(settings)
    rows = []
    with origin("cold-origin") as server, Mirror("cold", server.base) as mirror:
        for size in settings.cold_sizes:
            random_file(size)
            ours, plain, durable = [], [], []
            for number in range(settings.cold_runs + 1):
                url = f"{server.base}/cold-{number}/{size}.bin"
                took = _redirect(mirror, url)
                fetched, kept = _fetch(url)
                if number > 0:  # The first of a size opens connections and files.
                    ours.append(took)
                    plain.append(fetched)
                    durable.append(kept)
            label = _label(size)
            milliseconds = statistics.median(ours)
            for name, figures in (("curl -o", plain), ("curl -o, then fsync (we fsync too)", durable)):
                peer = statistics.median(figures)
                overhead = milliseconds - peer
                say(f"  {label}: {milliseconds:.1f} ms, {name}: {peer:.1f} ms")
                checked = figures is durable
                rows.append(Row(
                    "cold-redirect", f"ms to the redirect, {label}; {overhead:+.1f} ms", milliseconds, name, peer, higher_is_better=False,
                    p99=(max(ours), max(figures)), spread=(spread(ours), spread(figures)),
                    budget="within 10 ms of the end of the copy" if checked else "", met=overhead <= 10 if checked else None))
    return rows


def _redirect(mirror: Mirror, url: str) -> float:
    """Milliseconds by curl's own clock, so that its start counts for neither side."""
    command = ["curl", "--silent", "--show-error", "--max-time", "120", "--output", "/dev/null", "--write-out"]
    ran = measure(command + ["%{http_code} %{time_total} %{redirect_url}", mirror.base + mirror.path(url)], LOGS / "curl-cold.log")
    status, seconds, location = (ran.output.split(" ") + [""])[:3]
    if status != "302" or not mirror.is_copy(location):
        raise RuntimeError(f"{status} {location} instead of a redirect to the copy of {url}, see {mirror.log}")
    return float(seconds) * 1000


def _fetch(url: str) -> tuple[float, float]:
    """Milliseconds of the transfer, and with the file on the disk."""
    target = DATA / "cold.out"
    command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "120", "--output", target, "--write-out", "%{time_total}", url]
    took = float(measure(command, LOGS / "curl-cold.log").output) * 1000
    started = time.perf_counter()
    sync(target)
    kept = took + (time.perf_counter() - started) * 1000
    target.unlink()
    return took, kept


def sync(path: Path) -> None:
    """Returns when the file's bytes and its name are on the disk."""
    for each in (path, path.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _label(size: int) -> str:
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (1024, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} bytes"
