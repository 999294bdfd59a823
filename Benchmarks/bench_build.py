"""How large the executable is, and how long it takes to build it from nothing."""

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from data import need
from process import children_seconds
from settings import DATA, GIB, LOGS, MIB, ROOT, Settings, say
from table import Row, spread

# Of disk, for everything that a build leaves.
BYTES = 4 * GIB
# MiB.
LARGEST = 60


def run(settings: Settings) -> list[Row]:
    executable = Path(os.environ["CLOUD_MIRROR_EXECUTABLE"])
    # As it is installed.
    stripped = DATA / "stripped"
    subprocess.run(["strip", "-o", stripped, executable], check=True, timeout=60)
    size = stripped.stat().st_size / MIB
    say(f"  the executable has {size:.1f} MiB")
    rows = [Row("build", "MiB of the executable, with the Swift libraries, stripped", size, higher_is_better=False, budget=f"under {LARGEST} MiB", met=size < LARGEST)]
    if settings.builds:
        need(BYTES)
        seconds, used = zip(*(_built() for _ in range(settings.builds)), strict=True)
        rows.append(Row(
            "build", f"s to build the release executable from nothing, {os.cpu_count()} cores", statistics.median(seconds),
            cpu=(statistics.median(used), None), cpu_unit="s", spread=(spread(list(seconds)), None)))
    return rows


def _built() -> tuple[float, float]:
    """Seconds of one build and of processor time. What has to be downloaded is there before it begins."""
    scratch = DATA / "build"
    _swift("package", "--scratch-path", scratch, "resolve")
    before, started = children_seconds(), time.perf_counter()
    _swift("build", "--scratch-path", scratch, *os.environ["RELEASE_OPTIONS"].split(), "--product", "cloud-mirror")
    took, used = time.perf_counter() - started, children_seconds() - before
    shutil.rmtree(scratch)
    say(f"  built within {took:.0f} s, {used:.0f} s CPU")
    return took, used


def _swift(*words) -> None:
    log = LOGS / "build.log"
    with open(log, "ab") as output:
        ran = subprocess.run(["swift", *(str(word) for word in words)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=7200)
    if ran.returncode != 0:
        raise RuntimeError(f"swift {words[0]} ended with {ran.returncode}, see {log}")
