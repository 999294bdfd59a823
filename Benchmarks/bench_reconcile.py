"""A pool whose state was lost: everything in its directory is compared with the state, and recorded."""

import shutil
import time
from dataclasses import dataclass

from data import need
from filled_mirror import ORIGIN
from mirror import Mirror
from object_files import BYTES_EACH, write_objects
from process import memory
from settings import MEMORY, MIB, Settings, say
from table import Row

MOST_MIB = 128
# See bench_large_state.py.
MOST_LOG_MIB = 16
# Of the state file for each replica, with a URL of 100 bytes.
MOST_BYTES = 1_000


class ReconcilingMirror(Mirror):
    """One whose pool is in memory, and that has not one line in its log for each object."""

    def settings(self) -> str:
        return f"{{directory: {MEMORY / 'reconcile'}}}"

    def sections(self) -> str:
        return "log: {level: notice}\n"


@dataclass
class Reconciled:
    """One comparison."""

    count: int
    seconds: float
    peak_mib: float
    log_bytes: int
    state_bytes: int


def run(settings: Settings) -> list[Row]:
    few, many = (_reconciled(count) for count in settings.reconciled)
    what = f"{many.count:,} objects in a directory"
    return [
        Row(
            "reconcile", f"objects a second found and recorded, {what}", many.count / many.seconds, f"the same with {few.count:,}",
            few.count / few.seconds, memory=(many.peak_mib, few.peak_mib), budget=f"under {MOST_MIB} MiB", met=many.peak_mib < MOST_MIB),
        Row(
            "reconcile", f"MiB of the write-ahead log at most, {what}", many.log_bytes / MIB, budget=f"at most {MOST_LOG_MIB} MiB",
            met=many.log_bytes <= MOST_LOG_MIB * MIB),
        Row(
            "reconcile", f"bytes of the state file for each replica, {what}", many.state_bytes / many.count, f"the same with {few.count:,}",
            few.state_bytes / few.count, higher_is_better=False, budget=f"at most {MOST_BYTES:,}",
            met=many.state_bytes <= MOST_BYTES * many.count),
    ]


def _reconciled(count: int) -> Reconciled:
    need(count * MOST_BYTES)
    need(count * BYTES_EACH, MEMORY)
    mirror = ReconcilingMirror(f"reconcile-{count}", ORIGIN)
    write_objects(MEMORY / "reconcile", count)
    state = mirror.state_directory / "state.sqlite"
    log_file, log = state.with_name("state.sqlite-wal"), 0
    began = time.monotonic()
    with mirror:
        while not _has_ended(mirror, count):
            if time.monotonic() > began + 3600:
                raise TimeoutError(f"{count:,} objects were not compared with the state within an hour, see {mirror.log}")
            log = max(log, log_file.stat().st_size)
            time.sleep(0.05)
        seconds, peak = time.monotonic() - began, memory(mirror.pid)["VmHWM"]
    size = state.stat().st_size
    for folder in (MEMORY / "reconcile", state.parent):
        shutil.rmtree(folder)
    say(f"  {count:,} objects: {count / seconds:,.0f} a second, {peak:.0f} MiB, log at most {log / MIB:.1f} MiB, state {size / MIB:,.0f} MiB")
    return Reconciled(count, seconds, peak, log, size)


def _has_ended(mirror: Mirror, count: int) -> bool:
    """Whether the log says that all of them were found."""
    lines = [line for line in mirror.log.read_text(encoding="utf-8").splitlines() if '"state and pool reconciled"' in line]
    if lines and f'"found":{count}' not in lines[0]:
        raise RuntimeError(f"not all of {count} objects were found: {lines[0]}")
    return bool(lines)
