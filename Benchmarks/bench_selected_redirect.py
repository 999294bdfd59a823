"""Redirects to artifacts that are there, by URLs that name no pool, where the client's network chooses it: against the same with the pool in the URL."""

from urllib.parse import quote

from hot import Rounds, artifacts, note_cores, paths_file, tiny_origin, warmed
from mirror import Mirror
from settings import Settings, cores, say
from table import Row

# Of the requests/s with the pool in the URL.
LEAST = 0.9


class SelectingMirror(Mirror):
    """One whose clients get their pool by their network. Is asked with the pool in the URL."""

    def sections(self) -> str:
        return f"selection: {{networks: {{127.0.0.0/8: {self.pool}}}, default: origin}}\n"


class SelectedMirror(SelectingMirror):
    """The same, and is asked without."""

    @classmethod
    def path(cls, url: str) -> str:
        return f"/v1/redirect/{quote(url, safe='')}"


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    with (
        tiny_origin("selected-origin") as origin, SelectedMirror("selected", origin.base, server_cores) as selected,
        SelectingMirror("named", origin.base, server_cores) as named,
    ):
        urls = artifacts(origin, settings.artifacts)
        servers = {}
        for name, mirror in (("selected", selected), ("named", named)):
            warmed(mirror, urls)
            servers[name] = (mirror, paths_file(mirror, urls, name))
        rows = [_row(Rounds(settings, servers, connections), connections) for connections in settings.connections]
    note_cores()
    return rows


def _row(rounds: Rounds, connections: int) -> Row:
    def both(attribute: str) -> tuple[float, float]:
        return rounds.both("selected", "named", attribute)

    ours, named = both("requests_per_second")
    say(f"  {connections} connections: {ours:,.0f} requests/s, with the pool in the URL {named:,.0f}: {ours / named:.2f}")
    return Row(
        "selected-redirect", f"requests/s, no pool in the URL, {connections} connections, one core", ours, "the same with the pool in the URL",
        named, cpu=both("cpu_us"), cpu_unit="us/request", p99=both("p99_ms"), memory=both("rss_mib"),
        spread=rounds.spread("selected", "named"), budget=f"at least {LEAST} of the peer", met=ours >= LEAST * named)
