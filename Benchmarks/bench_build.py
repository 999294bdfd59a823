"""How large the executable is, and how long it takes to build it from nothing."""

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from compilers import Compilers
from data import need
from process import children_seconds
from settings import DATA, GIB, LOGS, MIB, ROOT, Settings, say
from table import Row, spread

# Of disk, for everything that a build leaves.
BYTES = 4 * GIB
# MiB.
LARGEST = 60
# Seconds.
LONGEST = 360
# Packages with rows of their own.
PACKAGES = 8


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
        seconds, used, packages = zip(*(_built() for _ in range(settings.builds)), strict=True)
        rows.append(Row(
            "build", f"s to build the release executable from nothing, {os.cpu_count()} cores", statistics.median(seconds),
            cpu=(statistics.median(used), None), cpu_unit="s", spread=(spread(list(seconds)), None),
            budget="under 6 minutes", met=statistics.median(seconds) < LONGEST))
        rows += [
            Row("build", f"s of CPU of the compilers for the sources of {package}", spent, higher_is_better=False)
            for package, spent in packages[-1][:PACKAGES]]
    return rows


def _built() -> tuple[float, float, list[tuple[str, float]]]:
    """Seconds of one build and of processor time, and the latter by package. What has to be downloaded is there before it begins."""
    scratch = DATA / "build"
    _swift("package", "--scratch-path", scratch, "resolve")
    before, started = children_seconds(), time.perf_counter()
    with Compilers(scratch / "checkouts") as compilers:
        _swift("build", "--scratch-path", scratch, *os.environ["RELEASE_OPTIONS"].split(), "--product", "cloud-mirror")
    took, used = time.perf_counter() - started, children_seconds() - before
    packages = compilers.by_package()
    shutil.rmtree(scratch)
    say(f"  built within {took:.0f} s, {used:.0f} s CPU: " + ", ".join(f"{package} {seconds:.0f}" for package, seconds in packages))
    return took, used, packages


def _swift(*words) -> None:
    log = LOGS / "build.log"
    with open(log, "ab") as output:
        ran = subprocess.run(["swift", *(str(word) for word in words)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=7200)
    if ran.returncode != 0:
        raise RuntimeError(f"swift {words[0]} ended with {ran.returncode}, see {log}")
