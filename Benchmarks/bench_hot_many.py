"""Redirects to artifacts that are there, chosen at random among so many that memory holds all or few of them.

Beside each figure, that of a loop that looks at nothing, for the same names: it shows that many names cost the client no more than few, so that what is
less with many is the server's.
"""

import statistics
from dataclasses import dataclass

from ceilings import Loop
from filled_mirror import FilledMirror
from hot import note_cores
from load import NUMBERED, Load, redirects
from settings import Settings, cores, say
from table import Row, spread

# Of the requests/s with the fewest artifacts.
LEAST = 0.8
MOST_MIB = 500
CONNECTIONS = 64


@dataclass
class Seen:
    """Rounds of requests for as many artifacts."""

    count: int
    loads: list[Load]

    def median(self, name: str) -> float:
        return statistics.median(getattr(load, name) for load in self.loads)

    @property
    def rate(self) -> float:
        return self.median("requests_per_second")

    @property
    def spread(self) -> float | None:
        return spread([load.requests_per_second for load in self.loads])


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    few, some, many = settings.many
    with FilledMirror("many", many, server_cores) as mirror:
        seen = []
        for count in (few, many, some):
            ask_each(mirror, count)
            seen.append(measured(settings, mirror, mirror, count))
        ceilings = ceilings_of(settings, mirror, [few, many, some])
    rows = []
    for each, ceiling in zip(seen, ceilings, strict=True):
        budget = f"at least {LEAST} of the peer, {MOST_MIB} MiB"
        met = each.rate >= LEAST * seen[0].rate and each.median("rss_mib") < MOST_MIB
        rows += rows_of("hot-many", each, seen[0], ceiling, budget, met)
    note_cores()
    return rows


def ask_each(mirror: FilledMirror, count: int) -> None:
    """Asks for each of the first artifacts, in turn."""
    asked, seconds = 0, 2
    while asked < count:
        # What was asked and not answered at the end of a run is asked again.
        load = _ask(mirror, mirror, "turn", count, seconds, first=max(asked - CONNECTIONS, 0), checks_status=True)
        asked += int(load.requests_per_second * seconds) - CONNECTIONS
        seconds = 10


def ask_at_random(mirror: FilledMirror, count: int, least: int) -> None:
    """Asks for at least so many of the first artifacts, some of them more than once."""
    asked, seconds = 0, 10
    while asked < least:
        asked += int(_ask(mirror, mirror, "random", count, seconds, checks_status=True).requests_per_second * seconds)


def measured(settings: Settings, mirror: FilledMirror, server, count: int) -> Seen:
    """Rounds in which a server is asked for the artifacts of a mirror."""
    return Seen(count, [_ask(mirror, server, "random", count, settings.load_seconds) for _ in range(settings.rounds)])


def ceilings_of(settings: Settings, mirror: FilledMirror, counts: list[int]) -> list[Seen]:
    """The same of a loop that looks at nothing, for each number of artifacts."""
    with Loop(cores()[0]) as loop:
        return [measured(settings, mirror, loop, count) for count in counts]


def _ask(mirror: FilledMirror, server, order: str, count: int, seconds: int, first: int = 0, checks_status: bool = False) -> Load:
    return redirects(
        f"numbered-{count}-{order}", server.port, server.pid, mirror.numbered_paths(order, count, first), CONNECTIONS, seconds,
        checks_status=checks_status, script=NUMBERED)


def rows_of(benchmark: str, seen: Seen, base: Seen, ceiling: Seen, budget: str, met: bool) -> list[Row]:
    """One row against fewer artifacts, unless there are none with fewer, and one against the loop."""
    say(
        f"  {seen.count:,} replicas: {seen.rate:,.0f} requests/s, {seen.median('cpu_us'):.1f} us, {seen.median('rss_mib'):.0f} MiB; "
        f"wrk was busy for {seen.median('wrk_busy'):.0%}, and got {ceiling.rate:,.0f} from a loop")

    def row(name: str, peer: Seen, budget: str = "", met: bool | None = None) -> Row:
        def both(attribute: str) -> tuple[float, float]:
            return seen.median(attribute), peer.median(attribute)

        return Row(
            benchmark, f"requests/s, {seen.count:,} replicas at random, {CONNECTIONS} connections, one core", seen.rate, name, peer.rate,
            cpu=both("cpu_us"), cpu_unit="us/request", p99=both("p99_ms"), memory=both("rss_mib"), spread=(seen.spread, peer.spread),
            budget=budget, met=met)

    ceiling_row = row("a loop that looks at nothing, the same names", ceiling)
    return [ceiling_row] if seen is base else [row(f"{base.count:,} replicas", base, budget, met), ceiling_row]
