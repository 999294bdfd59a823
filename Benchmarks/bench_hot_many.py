"""Redirects to artifacts that are there, chosen at random among so many that memory holds all, few or none of them."""

import hashlib
import sqlite3
import statistics
import time
from urllib.parse import quote

from bench_startup import first_answer
from hot import note_cores
from load import NUMBERED, Load, redirects
from mirror import Mirror
from nginx import await_answer
from process import start, stop
from settings import DATA, Settings, cores, say
from table import Row, spread

# Of the requests/s with the fewest artifacts.
LEAST = 0.8
CONNECTIONS = 64
STARTS = 5
# With the number, 100 bytes.
ORIGIN = "https://artifacts.example.org"
BEFORE, BEHIND = f"{ORIGIN}/pool/main/libf/libfoobar/libfoobar-dev_1.2.3-4ubuntu/", "-amd64.deb"


def url(number: int) -> str:
    return f"{BEFORE}{number:07}{BEHIND}"


class FilledMirror(Mirror):
    """One with a public bucket as its pool, whose state says that so many objects are there. Nobody looks for these."""

    pool = "s3/eu-central-1"

    def __init__(self, name: str, count: int, on_cores: list[int] | None = None):
        self.count = count
        self.state = DATA / f"state-{name}" / "state.sqlite"
        super().__init__(name, ORIGIN, on_cores)

    def settings(self) -> str:
        return ("{bucket: mirror-pool, endpoint: \"http://127.0.0.1:9\", region: eu-central-1, addressing: path, access: public, "
                "credentials: {accessKeyID: none, secretAccessKey: \"none\"}}")

    def __enter__(self) -> "FilledMirror":
        # Makes the tables.
        self.launch()
        await_answer(self.port, "/healthz", self.process, self.log, status=200)
        stop(self.process, patience=60)
        fill(self.state, self.pool, self.count)
        self.process = start(self.command(), self.log, self.on_cores)
        await_answer(self.port, "/healthz", self.process, self.log, status=200)
        return self


def fill(state, pool: str, count: int) -> None:
    """Writes replicas as they are after a copy."""
    say(f"  filling the state with {count:,} replicas")
    now = int(time.time() * 1000)

    def rows():
        for number in range(count):
            name = url(number)
            digest = hashlib.sha256(name.encode()).hexdigest()
            yield pool, digest, name, 2, number, digest, now, now

    with sqlite3.connect(state) as database:
        database.executemany(
            "INSERT INTO replicas (pool, hash, url, status, size, sha256, stored_at, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows())
    database.close()


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    few, some, many = settings.many
    with FilledMirror("many", many, server_cores) as mirror:
        seen = [(few, _load(settings, mirror, few)), (many, _load(settings, mirror, many)), (some, _load(settings, mirror, some))]
        stop(mirror.process, patience=60)
        starts = [first_answer(mirror) for _ in range(STARTS)]
    base = seen[0][1]
    rows = []
    for count, load in seen:
        say(f"  {count:,} replicas: {load.requests_per_second:,.0f} requests/s, {load.cpu_us:.1f} us, {load.rss_mib:.0f} MiB")
        rows.append(Row(
            "hot-many", f"requests/s, {count:,} replicas at random, {CONNECTIONS} connections, one core", load.requests_per_second,
            f"{few:,} replicas", base.requests_per_second, cpu=(load.cpu_us, base.cpu_us), cpu_unit="us/request",
            p99=(load.p99_ms, base.p99_ms), memory=(load.rss_mib, base.rss_mib), budget=f"at least {LEAST} of the peer, 500 MiB",
            met=load.requests_per_second >= LEAST * base.requests_per_second and load.rss_mib < 500))
    median, worst = statistics.median(starts), max(starts)
    say(f"  {median:.0f} ms (worst {worst:.0f}) from exec to the first answer with {many:,} replicas in the state")
    rows.append(Row(
        "hot-many", f"ms from exec to the first answer, {many:,} replicas in the state, {STARTS} starts", median, higher_is_better=False,
        p99=(worst, None), spread=(spread(starts), None), budget="under 1 s", met=worst < 1000))
    note_cores()
    return rows


def _load(settings: Settings, mirror: FilledMirror, count: int) -> Load:
    """What is seen once each of them was asked for."""
    def ask(order: str, first: int, seconds: int, checks_status: bool = False) -> Load:
        paths = DATA / f"many-{order}.txt"
        encoded = [quote(part, safe="") for part in (BEFORE, BEHIND)]
        paths.write_text(f"/v1/redirect/{mirror.pool}/{encoded[0]}\n{encoded[1]}\n{order}\n{count}\n{first}\n", encoding="ascii")
        return redirects(
            f"many-{count}-{order}", mirror.port, mirror.pid, paths, CONNECTIONS, seconds, checks_status=checks_status, script=NUMBERED)

    asked, seconds = 0, 2
    while asked < count:
        # What was asked and not answered at the end of a run is asked again.
        load = ask("turn", max(asked - CONNECTIONS, 0), seconds, checks_status=True)
        asked += int(load.requests_per_second * seconds) - CONNECTIONS
        seconds = 10
    return ask("random", 0, settings.load_seconds)
