"""Rounds of several ways to do the same with one server that plays a cloud, and the rows that come out of them."""

import os
import statistics
from collections.abc import Callable

from bucket_server import BucketServer
from process import Ran
from settings import say
from table import Row, spread

# One way to do it: its name, and what does it once.
Way = tuple[str, Callable[[int], Ran]]


def alternate(ways: list[Way], rounds: int, server: BucketServer) -> dict[str, list[Ran]]:
    """Every way in every round, each round beginning with another, so that what one leaves behind burdens each of them alike."""
    seen: dict[str, list[Ran]] = {name: [] for name, _ in ways}
    for number in range(rounds):
        shift = number % len(ways)
        for name, once in ways[shift:] + ways[:shift]:
            os.sync()
            before = server.cpu()
            ran = once(number)
            say(f"  {name}: {ran.seconds:.2f} s, {ran.cpu:.2f} s CPU, {ran.peak_mib:.0f} MiB; server {server.cpu() - before:.2f} s CPU")
            seen[name].append(ran)
    return seen


def rows(benchmark: str, measure: str, amount: float, seen: dict[str, list[Ran]], ours: str, budget: Callable[[str], str]) -> list[Row]:
    """One row for each peer: amounts in a second, by the median of the rounds."""
    runs = seen[ours]
    seconds = statistics.median(run.seconds for run in runs)
    made = []
    for name, theirs in seen.items():
        if name == ours:
            continue
        peer = statistics.median(run.seconds for run in theirs)
        made.append(Row(
            benchmark, measure, amount / seconds, name, amount / peer,
            cpu=(statistics.median(run.cpu for run in runs), statistics.median(run.cpu for run in theirs)), cpu_unit="s",
            memory=(max(run.peak_mib for run in runs), max(run.peak_mib for run in theirs)),
            spread=(spread([run.seconds for run in runs]), spread([run.seconds for run in theirs])),
            budget=budget(name), met=seconds <= peer if budget(name) else None))
    return made
