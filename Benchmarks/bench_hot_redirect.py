"""Redirects to artifacts that are there, against nginx that answers the same requests with the same Location from a map."""

import concurrent.futures
import os
import statistics

from load import redirects
from mirror import Mirror
from nginx import Nginx
from settings import DATA, Settings, cores, say
from table import Row


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    with Nginx("tiny-origin", 'location / { return 200 "x"; }') as origin, Mirror("hot", origin.base, server_cores) as mirror:
        urls = [f"{origin.base}/artifacts/{number:05}/tiny.bin" for number in range(settings.artifacts)]
        for first in range(0, len(urls), 500):
            mirror.warm(urls[first:first + 500])
        say(f"  waiting for {len(urls):,} copies")
        locations = _locations(mirror, urls)

        paths = DATA / "redirect-paths.txt"
        paths.write_text("".join(mirror.path(url) + "\n" for url in urls), encoding="ascii")
        table = DATA / "redirect-map.conf"
        table.write_text(
            "".join(f'"{mirror.path(url)}" "{location}";\n' for url, location in zip(urls, locations)), encoding="ascii")
        peer = Nginx(
            "redirects", "location / { if ($target = '') { return 404; } return 302 $target; }",
            f"map_hash_bucket_size 512; map_hash_max_size 65536; map $request_uri $target {{ default ''; include {table}; }}",
            server_cores)
        with peer:
            return _measure(settings, {"cloud-mirror": mirror, "nginx": peer}, paths)


def _locations(mirror: Mirror, urls: list[str]) -> list[str]:
    """Where each copy is. Asks for every one twice: once to wait for it, once to see that the answer stays."""

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


def _measure(settings: Settings, servers: dict, paths) -> list[Row]:
    rows = []
    for connections in settings.connections:
        seen = {name: [] for name in servers}
        for name, server in servers.items():
            redirects(f"{name}-check", server.port, server.pid, paths, connections, 2, checks_status=True)
        for _ in range(settings.rounds):
            for name, server in servers.items():
                seen[name].append(redirects(f"{name}-{connections}", server.port, server.pid, paths, connections, settings.load_seconds))

        def median(name: str, attribute: str) -> float:
            return statistics.median(getattr(load, attribute) for load in seen[name])

        def both(attribute: str) -> tuple[float, float]:
            return median("cloud-mirror", attribute), median("nginx", attribute)

        ours, peer = both("requests_per_second")
        p99 = both("p99_ms")
        say(f"  {connections} connections: {ours:,.0f} against {peer:,.0f} requests/s")
        rows.append(Row(
            "hot-redirect", f"requests/s, {connections} connections, one core", ours, "nginx, 302 from a map", peer,
            cpu=both("cpu_us"), cpu_unit="us/request", p99=p99, memory=both("rss_mib"),
            budget="at least nginx, p99 no worse", met=ours >= peer and p99[0] <= p99[1]))
    if len(os.sched_getaffinity(0)) < 2:
        say("  only one core: wrk and the server share it, the requests/s are compressed and the CPU time is what counts")
    return rows
