"""Resident memory: idle, and with many large copies under way at once."""

import concurrent.futures
import time

from data import need, origin, random_file
from mirror import Mirror
from process import memory
from settings import MIB, Settings, say
from table import Row


def run(settings: Settings) -> list[Row]:
    size = settings.large
    need(size * (settings.copies + 1))
    random_file(size)
    with origin("memory-origin") as server, Mirror("memory", server.base) as mirror:
        time.sleep(2)  # Whatever the start does beside serving is over then.
        idle = memory(mirror.pid)
        urls = [f"{server.base}/copy-{number}/{size}.bin" for number in range(settings.copies)]
        peak, seconds = copy_all(mirror, urls, size)
    total = size * settings.copies / MIB
    return [
        Row("memory", "MiB resident, idle", idle["VmRSS"], budget="under 40 MiB", met=idle["VmRSS"] < 40),
        Row(
            "memory", f"MiB resident at the peak, {settings.copies} copies of {size // MIB:,} MiB at once ({total / seconds:,.0f} MiB/s in all)",
            peak, budget="under 128 MiB", met=peak < 128),
    ]


def copy_all(mirror: Mirror, urls: list[str], size: int) -> tuple[float, float]:
    """Copies all of them at once. Returns the peak of resident memory in MiB, and the seconds until the last one was there."""
    idle, anonymous, started = memory(mirror.pid)["VmRSS"], 0.0, time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(urls)) as pool:
        waiting = {pool.submit(mirror.copied, url) for url in urls}
        while waiting:
            done, waiting = concurrent.futures.wait(waiting, timeout=0.1)
            anonymous = max(anonymous, memory(mirror.pid)["RssAnon"])
            for each in done:
                each.result()
    seconds, peak = time.perf_counter() - started, memory(mirror.pid)["VmHWM"]
    say(f"  before {idle:.0f} MiB, peak {peak:.0f} MiB (anonymous {anonymous:.0f}), {size * len(urls) / MIB:,.0f} MiB in {seconds:.1f} s")
    return peak, seconds
