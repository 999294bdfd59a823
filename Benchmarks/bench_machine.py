"""What the machine can do at best: no figure of ours can be better than these, and on another machine they tell how to read ours."""

import os
import statistics
import subprocess
import time

from ceilings import Loop, built
from data import need
from load import redirects
from settings import DATA, MIB, Settings, cores, say
from table import Row, spread


def run(settings: Settings) -> list[Row]:
    rows = [_loop(settings, connections) for connections in settings.connections]
    copied = float(subprocess.run([built(), "copy", "256"], check=True, capture_output=True, text=True, timeout=120).stdout)
    rows.append(Row("machine", "MiB/s, memcpy, one core", copied))
    rows.append(_written(settings))
    for row in rows:
        say(f"  {row.measure}: {row.ours:,.0f}")
    return rows


def _loop(settings: Settings, connections: int) -> Row:
    """Reads and writes as a server does that spends no time on what it is asked."""
    paths = DATA / "ceilings-paths.txt"
    # As long as the paths of `hot-redirect`.
    paths.write_text("/v1/redirect/local/dev/http%3A%2F%2F127.0.0.1%3A12345%2Fartifacts%2F00000%2Ftiny.bin\n", encoding="ascii")
    with Loop(cores()[0]) as loop:
        seen = [redirects("ceilings", loop.port, loop.pid, paths, connections, settings.load_seconds) for _ in range(settings.rounds)]
    rates = [load.requests_per_second for load in seen]
    return Row(
        "machine", f"requests/s, {connections} connections, a loop that looks at nothing, one core", statistics.median(rates),
        cpu=(statistics.median(load.cpu_us for load in seen), None), cpu_unit="us/request",
        p99=(statistics.median(load.p99_ms for load in seen), None),
        spread=(spread(rates), None))


def _written(settings: Settings) -> Row:
    size = settings.large
    need(size)
    target, block, rates = DATA / "written.out", os.urandom(8 * MIB), []
    for _ in range(settings.rounds):
        os.sync()
        started = time.perf_counter()
        with open(target, "wb", buffering=0) as file:
            for _ in range(size // len(block)):
                file.write(block)
            os.fsync(file.fileno())
        rates.append(size / MIB / (time.perf_counter() - started))
        target.unlink()
    return Row("machine", f"MiB/s, {size // MIB:,} MiB written to the disk and synced", statistics.median(rates), spread=(spread(rates), None))
