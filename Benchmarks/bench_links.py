"""Rewriting the links of a page of 1 MB, on one core."""

import json
import os
import statistics
import subprocess

from settings import Settings, cores
from table import Row


def run(settings: Settings) -> list[Row]:
    program = os.environ.get("LINK_BENCHMARK_EXECUTABLE", "")
    if not os.access(program, os.X_OK):
        raise RuntimeError("LINK_BENCHMARK_EXECUTABLE names no executable")
    rounds = [_round(program) for _ in range(settings.rounds)]

    def row(measure: str, key: str, limit: float | None = None) -> Row:
        value = statistics.median(each[key] for each in rounds)
        return Row("links", measure, value, budget="" if limit is None else f"{limit:g}", met=None if limit is None else value >= limit)

    return [
        row("HTML with absolute links, MB/s", "html", 300),
        row("HTML with relative links, MB/s", "relative"),
        row("JSON of a Python index, MB/s", "json"),
        row("JSON of npm, MB/s", "npm"),
    ]


def _round(program: str) -> dict:
    server_cores, _ = cores()
    ran = subprocess.run(
        [program], capture_output=True, text=True, timeout=300, check=True, preexec_fn=lambda: os.sched_setaffinity(0, server_cores))
    return json.loads(ran.stdout)
