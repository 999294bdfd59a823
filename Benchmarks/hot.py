"""Artifacts that are there, and rounds of load on those who redirect to them."""

import concurrent.futures
import os
import statistics
from pathlib import Path

from haproxy import HAProxy
from load import Load, redirects
from mirror import Mirror
from nginx import Nginx
from settings import DATA, Settings, say
from table import spread


def artifacts(origin: Nginx, count: int) -> list[str]:
    """URLs of so many artifacts; the origin answers all of them alike."""
    return [f"{origin.base}/artifacts/{number:05}/tiny.bin" for number in range(count)]


def tiny_origin(name: str) -> Nginx:
    return Nginx(name, 'location / { return 200 "x"; }')


def warmed(mirror: Mirror, urls: list[str]) -> list[str]:
    """Where the copies are, once all of them are there. Asks for every one twice: once to wait for it, once to see that the answer stays."""
    for first in range(0, len(urls), 500):
        mirror.warm(urls[first:first + 500])
    say(f"  waiting for {len(urls):,} copies")

    def share(part: list[str]) -> list[str]:
        found = [mirror.copied(url)[0] for url in part]
        connection = mirror.connect()
        for url, location in zip(part, found):
            again = mirror.redirect(connection, url)
            if again != (302, location):
                raise RuntimeError(f"{url} was at {location} and is now {again}")
        connection.close()
        return found

    width = (len(urls) + 15) // 16
    parts = [urls[first:first + width] for first in range(0, len(urls), width)]
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        return [location for part in pool.map(share, parts) for location in part]


def paths_file(mirror: Mirror, urls: list[str], name: str = "redirect") -> Path:
    """What wrk asks for."""
    paths = DATA / f"{name}-paths.txt"
    paths.write_text("".join(mirror.path(url) + "\n" for url in urls), encoding="ascii")
    return paths


def nginx_map(mirror: Mirror, urls: list[str], locations: list[str], on_cores: list[int], http: str = "", listen: str = "") -> Nginx:
    """nginx that answers the same requests with the same Location. `http` and `listen` are for TLS."""
    table = DATA / "redirect-map.conf"
    table.write_text("".join(f'"{mirror.path(url)}" "{location}";\n' for url, location in zip(urls, locations)), encoding="ascii")
    return Nginx(
        "redirects", "location / { if ($target = '') { return 404; } return 302 $target; }",
        f"map_hash_bucket_size 512; map_hash_max_size 65536; map $request_uri $target {{ default ''; include {table}; }} {http}", on_cores, listen=listen)


def haproxy_map(mirror: Mirror, urls: list[str], locations: list[str], on_cores: list[int]) -> HAProxy:
    """HAProxy that answers the same requests with the same Location."""
    table = DATA / "redirects.map"
    table.write_text("".join(f"{mirror.path(url)} {location}\n" for url, location in zip(urls, locations)), encoding="ascii")
    return HAProxy("redirects", table, on_cores)


class Rounds:
    """What interleaved rounds of load saw of several servers, each asked for the paths of a file."""

    def __init__(self, settings: Settings, servers: dict[str, tuple], connections: int, depth: int = 1):
        def load(name: str, seconds: int, checks_status: bool = False) -> Load:
            server, paths = servers[name]
            return redirects(
                f"{name}-{connections}", server.port, server.pid, paths, connections, seconds, checks_status, scheme=server.scheme, depth=depth)

        self.seen: dict[str, list[Load]] = {name: [] for name in servers}
        for name in servers:
            load(name, 2, checks_status=True)
        for _ in range(settings.rounds):
            for name in servers:
                self.seen[name].append(load(name, settings.load_seconds))

    def median(self, name: str, attribute: str) -> float:
        return statistics.median(getattr(load, attribute) for load in self.seen[name])

    def both(self, ours: str, peer: str, attribute: str) -> tuple[float, float]:
        return self.median(ours, attribute), self.median(peer, attribute)

    def spread(self, ours: str, peer: str) -> tuple[float | None, float | None]:
        """Of the requests/s."""
        first, second = (spread([load.requests_per_second for load in self.seen[name]]) for name in (ours, peer))
        return first, second


def note_cores() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        say("  only one core: wrk and the server share it, the requests/s are compressed and the CPU time is what counts")
