"""Redirects to artifacts that are there, with the state in Redis: against the same with embedded state, and against nginx with a map."""

from hot import Rounds, artifacts, nginx_map, note_cores, paths_file, tiny_origin, warmed
from nodes import Node
from redis_server import RedisServer
from seaweedfs import SeaweedFS
from settings import Settings, cores, say
from table import Row

OURS = "Redis state"


def run(settings: Settings) -> list[Row]:
    server_cores, client_cores = cores()
    with (
        tiny_origin("redis-hot-origin") as origin, SeaweedFS("redis-hot", is_public=True) as server,
        RedisServer("hot", client_cores) as redis,
    ):
        urls = artifacts(origin, settings.artifacts)
        # A third one copies: the memory of one that made thousands of copies is laid out otherwise than that of one that made none.
        with Node("hot-copies", origin.base, server, None, server_cores) as copies:
            locations = warmed(copies, urls)
        with (
            Node("hot-redis", origin.base, server, redis, server_cores) as shared,
            Node("hot-sqlite", origin.base, server, None, server_cores) as embedded,
        ):
            for node in (shared, embedded):
                # The same pool: they find there what the other copied.
                if warmed(node, urls) != locations:
                    raise RuntimeError("the nodes redirect to different copies")
                copied = node.metric("cloud_mirror_copies_total")
                if copied:
                    raise RuntimeError(f"{copied:.0f} artifacts were copied again although the pool had them")
            paths = paths_file(shared, urls)
            with nginx_map(shared, urls, locations, server_cores) as nginx:
                servers = {OURS: (shared, paths), "embedded": (embedded, paths), "nginx": (nginx, paths)}
                rows = []
                for connections in settings.connections:
                    before, took = redis.cpu(), settings.rounds * settings.load_seconds
                    rounds = Rounds(settings, servers, connections)
                    say(f"  {connections} connections: Redis itself used {redis.cpu() - before:.2f} s of CPU in some {took * 3} s")
                    rows += [
                        _row(rounds, connections, "embedded", "the same with SQLite state", "within 5 % of embedded state", 0.95),
                        _row(rounds, connections, "nginx", "nginx, 302 from a map", "", None),
                    ]
    note_cores()
    return rows


def _row(rounds: Rounds, connections: int, peer: str, name: str, budget: str, least: float | None) -> Row:
    def both(attribute: str) -> tuple[float, float]:
        return rounds.both(OURS, peer, attribute)

    ours, theirs = both("requests_per_second")
    say(f"  {connections} connections: {ours:,.0f} requests/s, {name}: {theirs:,.0f}")
    return Row(
        "redis-hot-redirect", f"requests/s, {connections} connections, one core", ours, name, theirs,
        cpu=both("cpu_us"), cpu_unit="us/request", p99=both("p99_ms"), memory=both("rss_mib"), spread=rounds.spread(OURS, peer),
        budget=budget, met=None if least is None else ours >= theirs * least)
