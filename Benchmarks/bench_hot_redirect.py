"""Redirects to artifacts that are there, against nginx that answers the same requests with the same Location from a map."""

from hot import Rounds, artifacts, nginx_map, note_cores, paths_file, tiny_origin, warmed
from mirror import Mirror
from settings import Settings, cores, say
from table import Row


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    with tiny_origin("tiny-origin") as origin, Mirror("hot", origin.base, server_cores) as mirror:
        urls = artifacts(origin, settings.artifacts)
        locations = warmed(mirror, urls)
        with nginx_map(mirror, urls, locations, server_cores) as peer:
            paths = paths_file(mirror, urls)
            return _measure(settings, {"cloud-mirror": (mirror, paths), "nginx": (peer, paths)})


def _measure(settings: Settings, servers: dict[str, tuple]) -> list[Row]:
    rows = []
    for connections in settings.connections:
        rounds = Rounds(settings, servers, connections)

        def both(attribute: str) -> tuple[float, float]:
            return rounds.both("cloud-mirror", "nginx", attribute)

        ours, peer = both("requests_per_second")
        p99 = both("p99_ms")
        say(f"  {connections} connections: {ours:,.0f} against {peer:,.0f} requests/s")
        rows.append(Row(
            "hot-redirect", f"requests/s, {connections} connections, one core", ours, "nginx, 302 from a map", peer,
            cpu=both("cpu_us"), cpu_unit="us/request", p99=p99, memory=both("rss_mib"), spread=rounds.spread("cloud-mirror", "nginx"),
            budget="at least nginx, p99 no worse", met=ours >= peer and p99[0] <= p99[1]))
    note_cores()
    return rows
