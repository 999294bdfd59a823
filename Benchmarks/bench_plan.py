"""Replaying a log of requests. No peer does the same."""

import json
import os
import random
import re
import statistics
import subprocess
import time
from pathlib import Path

from data import need
from settings import DATA, Settings, cores
from table import Row, spread

DAYS = 60


def run(settings: Settings) -> list[Row]:
    need(settings.plan_requests * 48)
    log = DATA / "plan.csv"
    keys = _write(log, settings.plan_requests)
    rows = []
    for name, policies, least in (
        ("all but hazard", "never,store,ttl-1d-fixed,ttl-1d,tstar,tstar-half,clairvoyant", 1_000_000),
        ("hazard alone", "hazard", 300_000),
    ):
        seconds, memory = zip(*(_round(log, policies, settings.plan_requests) for _ in range(settings.rounds)), strict=True)
        rate = settings.plan_requests / statistics.median(seconds)
        # 100 bytes for each key and 64 MiB.
        limit = keys * 100 / (1 << 20) + 64
        rows.append(Row(
            "plan", f"requests a second and core, {name}", rate, memory=(max(memory), None), spread=(spread(list(seconds)), None),
            budget=f"{least:,} and {limit:.0f} MiB", met=rate >= least and max(memory) <= limit))
    return rows


def _write(path: Path, count: int) -> int:
    """A log of artifacts that are born all the time and asked for less and less, in six regions. Returns how many keys it has."""
    rng = random.Random(1)
    keys = set()
    with open(path, "w", encoding="ascii") as file:
        file.write("time,key,region,bytes\n")
        for number in range(count):
            artifact = int((number / count * 0.9 + 0.1) * count / 10 * (1 - rng.random() ** 4))
            region = min(int(rng.expovariate(0.7)), 5)
            keys.add(artifact * 6 + region)
            file.write(f"{number * DAYS * 86400 / count:.3f},dir{artifact % 40}/{artifact},r{region},{(artifact * 7919) % 100_000_000 + 1000}\n")
    return len(keys)


def _round(log: Path, policies: str, count: int) -> tuple[float, float]:
    """Seconds, and MiB at most."""
    server_cores, _ = cores()
    program = os.environ["CLOUD_MIRROR_EXECUTABLE"]
    started = time.perf_counter()
    with subprocess.Popen(
        [program, "plan", "--trace", log, "--json", "--policies", policies], stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, server_cores),
    ) as process:
        most = 0
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            try:
                # Only ever grows.
                most = max(most, int(re.search(r"VmHWM:\s+(\d+)", status.read_text()).group(1)))
            except (OSError, AttributeError):
                break
            time.sleep(0.02)
        answer = json.load(process.stdout)
    if process.returncode or answer["requests"] != count:
        raise RuntimeError(f"plan ended with {process.returncode} after {answer.get('requests')} requests")
    return time.perf_counter() - started, most / 1024
