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
        started, anonymous = time.perf_counter(), 0.0
        with concurrent.futures.ThreadPoolExecutor(len(urls)) as pool:
            waiting = {pool.submit(mirror.copied, url) for url in urls}
            while waiting:
                done, waiting = concurrent.futures.wait(waiting, timeout=0.1)
                anonymous = max(anonymous, memory(mirror.pid)["RssAnon"])
                for each in done:
                    each.result()
        seconds, peak = time.perf_counter() - started, memory(mirror.pid)["VmHWM"]
    total = size * settings.copies / MIB
    say(f"  idle {idle['VmRSS']:.0f} MiB, peak {peak:.0f} MiB (anonymous {anonymous:.0f}), {total:,.0f} MiB in {seconds:.1f} s")
    return [
        Row("memory", "MiB resident, idle", idle["VmRSS"], budget="under 40 MiB", met=idle["VmRSS"] < 40),
        Row(
            "memory", f"MiB resident at the peak, {settings.copies} copies of {size // MIB:,} MiB at once ({total / seconds:,.0f} MiB/s in all)",
            peak, budget="under 128 MiB", met=peak < 128),
    ]
