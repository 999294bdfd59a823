"""Redirects to artifacts that are there, while uses are recorded and learned from: against the same executable with a time to live."""

import json
import re
import statistics
import time
from dataclasses import replace
from urllib.parse import quote

from hot import Rounds, artifacts, note_cores, paths_file, tiny_origin, warmed
from mirror import Mirror
from settings import Settings, cores, say
from table import Row

# Of the requests/s and of the CPU time with a time to live.
TOLERANCE = 0.01
# A hundredth is less than what one round is off.
MORE_ROUNDS = 3
# Longer than others', so that the rounds of one mirror begin more than `COARSENESS` apart: then each round has uses of all artifacts to write, and
# as each artifact has periods of its own, each has its share of uses to learn from. It is twice the share of a mirror that never rests.
LONGER_ROUNDS = 2
# Seconds: a use is written if the last one that was written is so old, and learned from if it is the first one in a period.
COARSENESS, PERIOD = 30, 300
# Of how many artifacts it is looked up how many uses were learned from.
SAMPLE = 100
PRICES = "egress: 0.02, storage: 0.023, put: 0.000005, get: 0.0000004"


class RetainingMirror(Mirror):
    """One whose pool has a policy; the prices are stated, because a directory's storage costs nothing."""

    policy = ""

    def settings(self) -> str:
        return f"{{directory: {self.directory}, retention: {{policy: {self.policy}, price: {{{PRICES}}}}}}}"

    def explanation(self, url: str) -> list[str]:
        """What is said about an artifact's replica."""
        connection = self.connect()
        path = f"/v1/replicas/{self.pool}/{quote(url, safe='')}?explain=1"
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["replicas"][0].get("explanation", [])


class CostMirror(RetainingMirror):
    policy = "cost"


class TimeToLiveMirror(RetainingMirror):
    policy = "ttl"


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    with (
        tiny_origin("retention-origin") as origin, CostMirror("by-cost", origin.base, server_cores) as by_cost,
        TimeToLiveMirror("by-time", origin.base, server_cores) as by_time,
    ):
        urls = artifacts(origin, settings.artifacts)
        servers = {}
        for name, mirror in (("cost", by_cost), ("ttl", by_time)):
            # Copies that are made ahead of use are not recorded.
            mirror.copied(urls[0])
            warmed(mirror, urls)
            servers[name] = (mirror, paths_file(mirror, urls, f"retention-{name}"))
        sample = urls[::max(1, len(urls) // SAMPLE)]
        before, started = _recorded(by_cost, sample), time.monotonic()
        longer = replace(settings, rounds=settings.rounds * MORE_ROUNDS, load_seconds=settings.load_seconds * LONGER_ROUNDS)
        rows = [_row(Rounds(longer, servers, connections), connections) for connections in settings.connections]
        # Otherwise there was nothing to compare.
        found = by_cost.explanation(urls[0])
        if not requests_in(found):
            raise RuntimeError(f"uses were not recorded: {found}")
        seconds = time.monotonic() - started
        learned = (_recorded(by_cost, sample) - before) / len(sample)
        say(f"  {learned:.2f} uses of each artifact were learned from in {seconds:.0f} s")
        if learned < least_learned(seconds):
            raise RuntimeError(f"only {learned:.2f} uses of each artifact were learned from in {seconds:.0f} s")
    note_cores()
    return rows


def _recorded(mirror: RetainingMirror, urls: list[str]) -> int:
    """How many requests for these artifacts are recorded, all together."""
    return sum(requests_in(mirror.explanation(url)) for url in urls)


def requests_in(explanation: list[str]) -> int:
    """How many recorded requests the explanation of a replica tells of."""
    found = re.search(r"was requested (?:once|([0-9]+) times)", " ".join(explanation))
    return int(found[1] or 1) if found else 0


def least_learned(seconds: float) -> float:
    """How many uses of each artifact are learned from in that time at least: half as many as there are periods in it. Uses right after the first one,
    or right before the end, need not be written."""
    return max(0, seconds - 2 * COARSENESS) / PERIOD / 2


def _row(rounds: Rounds, connections: int) -> Row:
    def both(attribute: str) -> tuple[float, float]:
        return rounds.both("cost", "ttl", attribute)

    def paired(attribute: str) -> float:
        return paired_ratio(*([getattr(load, attribute) for load in rounds.seen[name]] for name in ("cost", "ttl")))

    rate, cpu = paired("requests_per_second"), paired("cpu_us")
    ours, peer = both("requests_per_second")
    say(f"  {connections} connections: {ours:,.0f} requests/s by cost, {peer:,.0f} by time: {rate:.3f} of the rate and {cpu:.3f} of the CPU time")
    return Row(
        "retention-redirect", f"requests/s, policy cost, {connections} connections, one core", ours, "the same with policy ttl", peer,
        cpu=both("cpu_us"), cpu_unit="us/request", p99=both("p99_ms"), memory=both("rss_mib"), spread=rounds.spread("cost", "ttl"),
        budget=f"round by round {rate:.3f} of the rate and {cpu:.3f} of the CPU time: within {TOLERANCE:.0%}",
        met=rate >= 1 - TOLERANCE and cpu <= 1 + TOLERANCE)


def paired_ratio(ours: list[float], peer: list[float]) -> float:
    """The median of the ratios of rounds that followed each other: what changes more slowly is in both."""
    return statistics.median(one / other for one, other in zip(ours, peer, strict=True))
