"""Redirects to artifacts that are there, chosen at random among ten times as many as memory holds by default: most of them are looked up in the state."""

import shutil

from bench_hot_many import MOST_MIB, ask_at_random, ask_each, ceilings_of, measured, rows_of
from data import need
from filled_mirror import FilledMirror
from hot import note_cores
from settings import Settings, cores
from table import Row

LEAST = 20_000
# Of disk for each replica: the state file, and what writing its indexes takes.
BYTES = 1_000


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    few, most, asked = settings.many[0], *settings.most
    need(most * BYTES)
    with FilledMirror("most", most, server_cores) as mirror:
        ask_each(mirror, few)
        base = measured(settings, mirror, mirror, few)
        # Until memory is full, and has what it has after any number of such requests.
        ask_at_random(mirror, most, asked)
        seen = measured(settings, mirror, mirror, most)
        ceiling, = ceilings_of(settings, mirror, [most])
    shutil.rmtree(mirror.state.parent)
    rows = rows_of(
        "hot-most", seen, base, ceiling, f"at least {LEAST:,}, {MOST_MIB} MiB", seen.rate >= LEAST and seen.median("rss_mib") < MOST_MIB)
    note_cores()
    return rows
