"""What clients see while Redis is stuck, and while it is gone: redirects from memory, and the fallback of artifacts that nobody has copied."""

import statistics
import time

from hot import artifacts, paths_file, tiny_origin, warmed
from http_socket import HTTPSocket
from load import Load, redirects
from nodes import Node
from percentiles import percentile
from redis_server import RedisServer
from seaweedfs import SeaweedFS
from settings import Settings, cores, say
from table import Row, spread

# Between two requests: so that the requests fall into everything that a client of Redis goes through, time-outs, connecting and pauses.
PAUSE_SECONDS = 0.05
# A Redis that comes back empty costs a claim for each artifact, more in all rounds than one client network may make.
UNLIMITED = "redirect: {coldClaims: {perSecond: 0}}\n"
# As many artifacts are in memory.
HOT = 1_000


def run(settings: Settings) -> list[Row]:
    server_cores, client_cores = cores()
    connections = settings.connections[0]
    rows = []
    with (
        tiny_origin("away-origin") as origin, SeaweedFS("away", is_public=True) as server, RedisServer("away", client_cores) as redis,
        Node("away", origin.base, server, redis, server_cores, more=UNLIMITED) as mirror,
    ):
        urls = artifacts(origin, min(settings.artifacts, HOT))
        locations = warmed(mirror, urls)
        paths = paths_file(mirror, urls)

        def load(name: str) -> Load:
            redirects(f"away-{name}-check", mirror.port, mirror.pid, paths, connections, 1, checks_status=True)
            return redirects(f"away-{name}", mirror.port, mirror.pid, paths, connections, settings.load_seconds)

        for name, text, begin, end in (
            ("stopped", "Redis stopped", redis.pause, redis.resume), ("killed", "Redis killed", redis.kill, redis.launch),
        ):
            with_redis, without, fallbacks, back = [], [], [], []
            for number in range(settings.rounds):
                with_redis.append(load(f"before-{name}"))
                begin()
                if number == 0:
                    fallbacks = _fallbacks(mirror, f"{origin.base}/{name}", settings.fallbacks)
                without.append(load(name))
                _check_hot(mirror, urls, locations)
                copies = mirror.metric("cloud_mirror_copies_total")
                end()
                back.append(_back(mirror, f"{origin.base}/after-{name}-{number}"))
                # Where it is empty now, what was there is found in the pool again, and not copied again.
                _check_hot(mirror, urls, locations)
                again = mirror.metric("cloud_mirror_copies_total") - copies
                if again > 20:
                    raise RuntimeError(f"{again:.0f} artifacts were copied after Redis was away, although the pool has them")
            rows += _rows(text, connections, fallbacks, with_redis, without, max(back))
    return rows


def _fallbacks(mirror: Node, base: str, count: int) -> list[float]:
    """Milliseconds until each of so many cold artifacts was redirected to the origin."""
    took = []
    with HTTPSocket(mirror.port) as client:
        for number in range(count):
            url = f"{base}/{number}.bin"
            status, fields, milliseconds = client.ask(mirror.path(url))
            if status != 302 or fields.get("location") != url:
                raise RuntimeError(f"{status} {fields} instead of a redirect to the origin {url}, see {mirror.log}")
            took.append(milliseconds)
            time.sleep(PAUSE_SECONDS)
    return took


def _back(mirror: Node, base: str) -> float:
    """Milliseconds until a cold artifact was redirected to its copy again; each request is for another, as one that fell back is not cold."""
    began = time.monotonic()
    with HTTPSocket(mirror.port) as client:
        for number in range(10_000):
            url = f"{base}/{number}.bin"
            status, fields, _ = client.ask(mirror.path(url))
            if status != 302:
                raise RuntimeError(f"{status} instead of a redirect, see {mirror.log}")
            if mirror.is_copy(fields.get("location", "")):
                return (time.monotonic() - began) * 1000
            if time.monotonic() - began > 60:
                break
            time.sleep(0.01)
    raise TimeoutError(f"Redis is back, and a minute later nothing is copied, see {mirror.log}")


def _check_hot(mirror: Node, urls: list[str], locations: list[str]) -> None:
    """Every artifact that is there is redirected to the same copy as ever."""
    connection = mirror.connect()
    try:
        for url, location in zip(urls, locations):
            answer = mirror.redirect(connection, url)
            if answer != (302, location):
                raise RuntimeError(f"{url} was at {location} and is now {answer}, see {mirror.log}")
    finally:
        connection.close()


def _rows(text: str, connections: int, fallbacks: list[float], with_redis: list[Load], without: list[Load], back: float) -> list[Row]:
    def both(attribute: str) -> tuple[float, float]:
        return tuple(statistics.median(getattr(load, attribute) for load in loads) for loads in (without, with_redis))

    ours, usual = both("requests_per_second")
    middle, worst = percentile(fallbacks, 0.5), max(fallbacks)
    say(f"  {text}: fallback p50 {middle:.1f} ms, p99 {percentile(fallbacks, 0.99):.1f} ms, worst {worst:.1f} ms; back after {back:.0f} ms")
    say(f"  {text}: {ours:,.0f} hot redirects/s, with Redis {usual:,.0f}")
    return [
        Row(
            "redis-away", f"ms to the fallback of a cold artifact, {text}; median and worst of {len(fallbacks)}", middle, p99=(worst, None),
            budget="at most 250 ms", met=worst <= 250),
        Row(
            "redis-away", f"hot redirects/s, {connections} connections, one core, {text}", ours, "the same with Redis", usual,
            cpu=both("cpu_us"), cpu_unit="us/request", p99=both("p99_ms"), memory=both("rss_mib"),
            spread=tuple(spread([load.requests_per_second for load in loads]) for loads in (without, with_redis))),
        Row(
            "redis-away", f"ms until cold artifacts are copied again, after: {text}; worst of {len(without)}", back, budget="within 1 s", met=back <= 1000),
    ]
