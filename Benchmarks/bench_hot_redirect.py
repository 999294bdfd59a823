"""Redirects to artifacts that are there, against nginx and HAProxy that answer the same requests with the same Location from a map."""

from hot import Rounds, artifacts, haproxy_map, nginx_map, note_cores, paths_file, tiny_origin, warmed
from mirror import Mirror
from settings import Settings, cores, say
from table import Row

PEERS = {"nginx": "nginx, 302 from a map", "haproxy": "HAProxy, 302 from a map"}


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    with tiny_origin("tiny-origin") as origin, Mirror("hot", origin.base, server_cores) as mirror:
        urls = artifacts(origin, settings.artifacts)
        locations = warmed(mirror, urls)
        with (
            nginx_map(mirror, urls, locations, server_cores) as nginx,
            haproxy_map(mirror, urls, locations, server_cores) as haproxy,
        ):
            paths = paths_file(mirror, urls)
            servers = {"cloud-mirror": (mirror, paths), "nginx": (nginx, paths), "haproxy": (haproxy, paths)}
            rows = []
            for connections in settings.connections:
                rounds = Rounds(settings, servers, connections)
                rows += [_row(rounds, connections, peer) for peer in PEERS]
    note_cores()
    return rows


def _row(rounds: Rounds, connections: int, name: str) -> Row:
    def both(attribute: str) -> tuple[float, float]:
        return rounds.both("cloud-mirror", name, attribute)

    ours, peer = both("requests_per_second")
    p99 = both("p99_ms")
    say(f"  {connections} connections: {ours:,.0f} requests/s, {name}: {peer:,.0f}")
    return Row(
        "hot-redirect", f"requests/s, {connections} connections, one core", ours, PEERS[name], peer, cpu=both("cpu_us"), cpu_unit="us/request", p99=p99,
        memory=both("rss_mib"), spread=rounds.spread("cloud-mirror", name),
        budget="at least the peer, p99 no worse", met=ours >= peer and p99[0] <= p99[1])
