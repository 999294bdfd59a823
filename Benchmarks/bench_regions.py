"""Finding the cloud region of an address. No peer does the same."""

import json
import os
import statistics
import subprocess

from settings import Settings, cores
from table import Row, spread


def run(settings: Settings) -> list[Row]:
    program = os.environ.get("REGION_BENCHMARK_EXECUTABLE", "")
    if not os.access(program, os.X_OK):
        raise RuntimeError("REGION_BENCHMARK_EXECUTABLE names no executable")
    rounds = [_round(program) for _ in range(settings.rounds)]

    def row(measure: str, key: str, limit: float) -> Row:
        values = [each[key] for each in rounds]
        value = statistics.median(values)
        return Row("regions", measure, value, higher_is_better=False, spread=(spread(values), None), budget=f"{limit:g}", met=value <= limit)

    return [
        row("region of an IPv4 address, ns", "ipv4_ns", 100),
        row("region of an IPv6 address, ns", "ipv6_ns", 100),
        row("table of 15,000 prefixes, ms", "build_ms", 50),
        row("reading the bundled lists, ms", "snapshot_ms", 50),
    ]


def _round(program: str) -> dict:
    server_cores, _ = cores()
    ran = subprocess.run(
        [program], capture_output=True, text=True, timeout=300, check=True, preexec_fn=lambda: os.sched_setaffinity(0, server_cores))
    return json.loads(ran.stdout)
