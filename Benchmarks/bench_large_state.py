"""A state with very many replicas in one SQLite file: starting with it, listing it, and a sweep that finds many of them expired and deletes them."""

import contextlib
import http.client
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

from bench_startup import first_answer
from bucket_server import POOL_BUCKET
from data import need
from filled_mirror import FilledMirror, digest, url
from http_socket import HTTPSocket
from percentiles import percentile
from process import measure
from seaweedfs import SeaweedFS
from settings import DATA, LOGS, MEMORY, MIB, Settings, say
from table import Row, spread

STARTS = 5
PAGE = 1_000
# Of disk for each replica: the state file and a copy of it.
BYTES = 2_000
OBJECT = b"sixteen bytes   "
# Of each of them as a file in a directory of its own, or in the server.
SMALL_BYTES = 8_192
# A log that is longer than 8 MiB begins again; a commit and what is written meanwhile may come on top.
MOST_LOG_MIB = 16
MOST_HELD_MS = 10
DAY_MS = 86_400_000


class SweptMirror(FilledMirror):
    """One whose replicas expire after a day and are deleted in the sweep after that."""

    def __init__(self, name: str, count: int, server: SeaweedFS):
        self.server = server
        super().__init__(name, count)

    def settings(self) -> str:
        return f"{{{self.server.bucket_settings(POOL_BUCKET)}, access: public, retention: {{timeToLive: 24h, grace: 0s}}}}"

    def sections(self) -> str:
        return "sweep: {interval: 1s}\n"

    @property
    def log_file(self) -> Path:
        """The write-ahead log."""
        return self.state.with_name("state.sqlite-wal")


def run(settings: Settings) -> list[Row]:
    count, expired = settings.large_state, settings.expired
    need(count * BYTES + expired * SMALL_BYTES)
    need(expired * SMALL_BYTES, MEMORY)
    with SeaweedFS("large-state", is_public=True) as server:
        objects = _objects(expired)
        _upload(server, objects, expired)
        peer = _deleted_by_peer(server, expired)
        _upload(server, objects, expired)
        with SweptMirror("large-state", count, server) as mirror:
            rows = [_pages(mirror)]
            mirror.end()
            rows.insert(0, _start(mirror))
            _expire(mirror.state, expired)
            rows += _calls(settings, mirror, expired)
            rows += _sweep(mirror, expired, peer)
        _expect(server, expired, 404, "the sweep")
    for folder in (objects, mirror.state.parent):
        shutil.rmtree(folder)
    return rows


def _objects(count: int) -> Path:
    """The objects of the first replicas, as files."""
    folder = MEMORY / "large-state-objects"
    for number in range(count):
        place = folder / _key(number)
        place.parent.mkdir(parents=True)
        place.write_bytes(OBJECT)
    return folder


def _upload(server: SeaweedFS, objects: Path, count: int) -> None:
    say(f"  uploading {count:,} objects")
    server.s5cmd("--log", "error", "cp", f"{objects}/", f"s3://{POOL_BUCKET}/")
    _expect(server, count, 200, "s5cmd cp")


def _deleted_by_peer(server: SeaweedFS, count: int) -> float:
    """Objects a second."""
    ran = measure(["s5cmd", "--log", "error", "rm", f"s3://{POOL_BUCKET}/*"], LOGS / "large-state-peer.log", environment=server.environment)
    _expect(server, count, 404, "s5cmd rm")
    return count / ran.seconds


def _expect(server: SeaweedFS, count: int, status: int, name: str) -> None:
    """Asks for some of the objects. A list is no help: SeaweedFS fails to list a bucket from which very many objects have just been deleted."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.base).port, timeout=60)
    for number in random.sample(range(count), min(count, 1_000)):
        connection.request("HEAD", f"/{POOL_BUCKET}/{_key(number)}")
        response = connection.getresponse()
        response.read()
        if response.status != status:
            raise RuntimeError(f"after {name}, {_key(number)} is answered with {response.status} instead of {status}")
    connection.close()


def _key(number: int) -> str:
    return f"{digest(number)}/{url(number).rpartition('/')[2]}"


def _start(mirror: SweptMirror) -> Row:
    starts = [first_answer(mirror) for _ in range(STARTS)]
    median, worst = statistics.median(starts), max(starts)
    say(f"  {median:.0f} ms (worst {worst:.0f}) from exec to the first answer with {mirror.count:,} replicas in the state")
    return Row(
        "large-state", f"ms from exec to the first answer, {mirror.count:,} replicas in the state, {STARTS} starts", median, higher_is_better=False,
        p99=(worst, None), spread=(spread(starts), None), budget="under 1 s", met=worst < 1000)


def _pages(mirror: SweptMirror) -> Row:
    """Goes through the whole list."""
    took, found, after = [], 0, ""
    connection = mirror.connect()
    while after is not None:
        path = f"/v1/replicas?pool={quote(mirror.pool, safe='')}&limit={PAGE}{after and f'&after={quote(after)}'}"
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {mirror.token}"})
        answer = json.loads(connection.getresponse().read())
        if answer["replicas"]:  # Behind a last page that is full, there is an empty one.
            took.append((time.perf_counter() - began) * 1000)
        found, after = found + len(answer["replicas"]), answer.get("next")
    connection.close()
    if found != mirror.count:
        raise RuntimeError(f"the list has {found:,} replicas of {mirror.count:,}")
    tenth = max(1, len(took) // 10)
    last, first = took[-tenth:], took[:tenth]
    ours, peer = statistics.median(last), statistics.median(first)
    say(f"  a page of {PAGE:,} takes {peer:.1f} ms in the first tenth of the list and {ours:.1f} ms in the last")
    return Row(
        "large-state", f"ms for a page of {PAGE:,} in the last tenth of a list of {mirror.count:,} replicas", ours, "in the first tenth", peer,
        higher_is_better=False, p99=(max(last), max(first)), spread=(spread(last), spread(first)), budget="at most 1.5 of the peer",
        met=ours <= 1.5 * peer)


def _expire(state: Path, count: int) -> None:
    """Lets the first replicas be unused for two days."""
    with contextlib.closing(sqlite3.connect(state, isolation_level=None)) as database:
        changed = database.execute("UPDATE replicas SET last_used = last_used - ? WHERE size < ?", (2 * DAY_MS, count)).rowcount
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if changed != count:
        raise RuntimeError(f"{changed} replicas of {count} were changed")


def _calls(settings: Settings, mirror: SweptMirror, expired: int) -> list[Row]:
    """The calls of a sweep on a copy of the state, and how long others take meanwhile."""
    program = os.environ.get("STATE_BENCHMARK_EXECUTABLE", "")
    if not os.access(program, os.X_OK):
        raise RuntimeError("STATE_BENCHMARK_EXECUTABLE names no executable")
    copy = DATA / "large-state-copy" / "state.sqlite"
    copy.parent.mkdir()
    shutil.copyfile(mirror.state, copy)
    command = [program, copy, "sweep", "--pool", mirror.pool, "--seconds", str(settings.state_seconds)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    shutil.rmtree(copy.parent)
    return call_rows(json.loads(ran.stdout.splitlines()[-1]), mirror.count, expired)


def call_rows(seen: dict, count: int, expired: int) -> list[Row]:
    """What the program said of its calls."""
    if seen["units"] != expired:
        raise RuntimeError(f"{seen['units']} replicas of {expired} were removed")
    what = f"while {expired:,} of {count:,} replicas are marked and removed"
    rows = [Row("large-state", f"expired replicas marked and removed a second, {expired:,} of {count:,}, the state alone", expired / seen["seconds"])]
    for call, text in (("claim", "to claim an artifact"), ("lookup", "to look up a replica")):
        during, alone = seen["steps"][call], seen["alone"][call]
        worst = during["max_us"] / 1000
        say(f"  {text} {what}: p99 {during['p99_us'] / 1000:.2f} ms, worst {worst:.2f} ms, of {during['count']:,}")
        rows.append(Row(
            "large-state", f"ms {text}, 99th percentile, {what}", during["p99_us"] / 1000, "the same without a sweep", alone["p99_us"] / 1000,
            higher_is_better=False, p99=(worst, alone["max_us"] / 1000), budget=f"at worst {MOST_HELD_MS} ms", met=worst <= MOST_HELD_MS))
    return rows


def _sweep(mirror: SweptMirror, expired: int, peer: float) -> list[Row]:
    """Starts the mirror, which sweeps at once, and follows it until everything that had expired is gone."""
    before, log, took, ended = mirror.state.stat().st_size, 0, [], threading.Event()
    mirror.begin()
    looks = threading.Thread(target=_look_up, args=(mirror, expired, took, ended))
    looks.start()
    try:
        began, deadline = time.monotonic(), time.monotonic() + 3600
        while (deleted := mirror.metric("cloud_mirror_evictions_total")) < expired:
            now = time.monotonic()
            if deleted == 0:
                began = now
            if now > deadline:
                raise TimeoutError(f"{deleted:.0f} of {expired} replicas were deleted within an hour, see {mirror.log}")
            log = max(log, mirror.log_file.stat().st_size)
            time.sleep(0.1)
        rate = expired / (time.monotonic() - began)
    finally:
        ended.set()
        looks.join()
    after = mirror.state.stat().st_size
    say(f"  {rate:,.0f} a second deleted, s5cmd {peer:,.0f}; log at most {log / MIB:.1f} MiB, state {before / MIB:,.0f} and then {after / MIB:,.0f} MiB")
    what = f"a sweep that deletes {expired:,} of {mirror.count:,} replicas"
    return [
        Row("large-state", f"replicas deleted a second, {what}, from S3", rate, "s5cmd rm, the same objects", peer, budget="at least s5cmd", met=rate >= peer),
        Row(
            "large-state", f"ms to look up a replica by HTTP during {what}, median of {len(took):,}", percentile(took, 0.5), higher_is_better=False,
            p99=(max(took), None)),
        Row("large-state", f"MiB of the write-ahead log at most, {what}", log / MIB, budget=f"at most {MOST_LOG_MIB} MiB", met=log <= MOST_LOG_MIB * MIB),
        Row(
            "large-state", f"MiB of the state file after {what}", after / MIB, "before it", before / MIB, higher_is_better=False,
            budget="at most 1.1 of the peer", met=after <= 1.1 * before),
    ]


def _look_up(mirror: SweptMirror, first: int, took: list[float], ended: threading.Event) -> None:
    """Asks for replicas that have not expired, and adds the milliseconds until each answer."""
    with HTTPSocket(mirror.port) as client:
        while not ended.wait(0.005):
            number = random.randrange(first, mirror.count)
            status, _, milliseconds = client.ask(f"/v1/replicas/{mirror.pool}/{quote(url(number), safe='')}", mirror.token)
            if status == 200:
                took.append(milliseconds)
