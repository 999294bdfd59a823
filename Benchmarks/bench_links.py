"""Rewriting the links of a page of 1 MB: by itself on one core, and as clients get the page from a mirror, beside peryx."""

import json
import os
import re
import statistics
import subprocess
import urllib.request

from package_servers import PackageServers
from process import cpu_seconds, memory
from python_caches import OurCache, Peryx
from settings import LOGS, Settings, cores, say
from table import Row, spread

# Links of a project whose page has 1 MB of JSON.
LINKS = 2_000
FORMS = {"JSON": "application/vnd.pypi.simple.v1+json", "HTML": "text/html"}


def run(settings: Settings) -> list[Row]:
    return _rewriter(settings) + _served(settings)


def _rewriter(settings: Settings) -> list[Row]:
    program = os.environ.get("LINK_BENCHMARK_EXECUTABLE", "")
    if not os.access(program, os.X_OK):
        raise RuntimeError("LINK_BENCHMARK_EXECUTABLE names no executable")
    rounds = [_round(program) for _ in range(settings.rounds)]

    def row(measure: str, key: str, limit: float | None = None) -> Row:
        values = [each[key] for each in rounds]
        value = statistics.median(values)
        return Row(
            "links", measure, value, spread=(spread(values), None), budget="" if limit is None else f"{limit:g}",
            met=None if limit is None else value >= limit)

    return [
        row("HTML with absolute links, MB/s", "html", 300),
        row("HTML with relative links, MB/s", "relative"),
        row("JSON of a Python index, MB/s", "json"),
        row("JSON of npm, MB/s", "npm"),
    ]


def _round(program: str) -> dict:
    server_cores, _ = cores()
    ran = subprocess.run(
        [program], capture_output=True, text=True, timeout=300, check=True, preexec_fn=lambda: os.sched_setaffinity(0, server_cores))
    return json.loads(ran.stdout)


def _served(settings: Settings) -> list[Row]:
    """The page is in the cache and fresh; what differs is how it gets to the client."""
    seen: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    sizes: dict[str, int] = {}
    with PackageServers("links", 0) as servers:
        servers.add("large", LINKS)
        for number in range(settings.rounds):
            for cache in [OurCache, Peryx] if number % 2 == 0 else [Peryx, OurCache]:
                with cache(f"links-{number}", servers) as server:
                    for form, accept in FORMS.items():
                        url = f"{server.index}large/"
                        # peryx is slow to answer twice, and has the whole page ready from then on.
                        sizes[form] = max(_check(url, accept, servers) for _ in range(3))
                        seen.setdefault((form, cache.title), []).append(_load(url, accept, server.pid, settings.load_seconds, cache.title))
    return [served_row(form, sizes[form], seen[form, OurCache.title], seen[form, Peryx.title]) for form in FORMS]


def _check(url: str, accept: str, servers: PackageServers) -> int:
    """The page's size in bytes, once every link of it leads through the cache."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=120) as answer:
        text = answer.read().decode()
        kind = answer.headers.get_content_type()
    links = [entry["url"] for entry in json.loads(text)["files"]] if "json" in kind else re.findall(r'href="([^"]*)"', text)
    if ("json" in kind) != ("json" in accept) or len(links) != LINKS or any(link.startswith(servers.urls["files"]) for link in links):
        raise RuntimeError(f"{url} has no page of {LINKS} links in the form {accept} that lead through the cache: {kind}, {len(links)}, {links[:1]}")
    return len(text.encode())


def _load(url: str, accept: str, pid: int, seconds: int, name: str) -> tuple[float, float, float]:
    """Pages a second, CPU milliseconds for each, and MiB of memory."""
    before = cpu_seconds(pid)
    output = subprocess.run(
        ["wrk", "-t1", "-c2", f"-d{seconds}s", "--timeout", "10s", "-H", f"Accept: {accept}", url], check=True, capture_output=True, text=True,
        timeout=seconds + 60, stdin=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cores()[1]))
    used = cpu_seconds(pid) - before
    with open(LOGS / f"wrk-links-{name}.log", "a", encoding="utf-8") as log:
        log.write(output.stdout)
    requests = re.search(r"(\d+) requests in", output.stdout)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output.stdout)
    if requests is None or rate is None or int(requests.group(1)) == 0 or "Non-2xx" in output.stdout or "Socket errors" in output.stdout:
        raise RuntimeError(f"{name}: not every answer was a page: {output.stdout[-400:]}")
    return float(rate.group(1)), used / int(requests.group(1)) * 1_000, memory(pid)["VmRSS"]


def served_row(form: str, size: int, ours: list[tuple[float, float, float]], theirs: list[tuple[float, float, float]]) -> Row:
    rate, their_rate = (statistics.median([run[0] for run in runs]) for runs in (ours, theirs))
    cpu, their_cpu = (statistics.median([run[1] for run in runs]) for runs in (ours, theirs))
    say(f"  {form}: {rate:.0f} pages/s, {Peryx.title}: {their_rate:.0f}")
    return Row(
        "links", f"pages/s, {form} of {size / 1e6:.1f} MB with {LINKS} links, from the cache", rate, Peryx.title, their_rate, cpu=(cpu, their_cpu), cpu_unit="ms",
        memory=(max(run[2] for run in ours), max(run[2] for run in theirs)),
        spread=(spread([run[0] for run in ours]), spread([run[0] for run in theirs])), budget="at least peryx", met=rate >= their_rate)
