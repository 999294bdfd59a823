"""Redirects to artifacts that are there, asked for several at a time on each connection, as apt does, against nginx with the same from a map."""

from hot import Rounds, artifacts, nginx_map, note_cores, paths_file, tiny_origin, warmed
from mirror import Mirror
from settings import Settings, cores, say
from table import Row

# Requests that are sent together, as many as apt sends.
DEPTH = 10


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    with tiny_origin("pipelined-origin") as origin, Mirror("pipelined", origin.base, server_cores) as mirror:
        urls = artifacts(origin, settings.artifacts)
        locations = warmed(mirror, urls)
        with nginx_map(mirror, urls, locations, server_cores) as peer:
            paths = paths_file(mirror, urls)
            servers = {"cloud-mirror": (mirror, paths), "nginx": (peer, paths)}
            rows = [_row(Rounds(settings, servers, connections, depth=DEPTH), connections) for connections in settings.connections]
    note_cores()
    return rows


def _row(rounds: Rounds, connections: int) -> Row:
    def both(attribute: str) -> tuple[float, float]:
        return rounds.both("cloud-mirror", "nginx", attribute)

    ours, peer = both("requests_per_second")
    say(f"  {connections} connections: {ours:,.0f} against {peer:,.0f} requests/s")
    return Row(
        "pipelined-redirect", f"requests/s, {connections} connections, {DEPTH} requests at a time, one core", ours, "nginx, 302 from a map", peer,
        cpu=both("cpu_us"), cpu_unit="us/request", memory=both("rss_mib"), spread=rounds.spread("cloud-mirror", "nginx"),
        budget="at least nginx", met=ours >= peer)
