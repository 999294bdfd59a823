"""Many clients that wait on one node for one artifact: what each of them costs, and how soon each has its redirect once the copy is done.

Beside it nginx as a cache, whose clients wait for the one that fetches (proxy_cache_lock)."""

import contextlib
import hashlib
import json
import os
import resource
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from gated_origin import GatedOrigin
from http_socket import HTTPSocket
from nginx import Nginx
from nodes import Copier, FrontEnd
from percentiles import percentile
from process import cpu_seconds, memory
from redis_server import RedisServer, changes_of
from seaweedfs import SeaweedFS
from settings import DATA, LOGS, Settings, cores, say
from table import Row, spread

# What a process has open besides its clients.
SPARE_FILES = 1_000
# Seconds for each step of a crowd.
PATIENCE = 300


@dataclass
class Wait:
    """What a crowd saw. Times in milliseconds after the copy was done."""

    answers: dict[str, int]
    kib_each: float
    # Of that, what the connection alone costs.
    kib_connection: float
    cpu_us: float
    before_mib: float
    waiting_mib: float
    first: float
    median: float
    last: float
    # From the origin's last byte until the copy was done.
    copied: float


def run(settings: Settings) -> list[Row]:
    rows = []
    for count in settings.waiting:
        if allow_files(files(count)):
            rows += _measured(settings, count)
        else:
            say(f"  not measured: {count:,} waiting clients, which take {files(count):,} open files (ulimit -Hn)")
    if not rows:
        raise RuntimeError("too few files may be open: raise the limit (ulimit -Hn)")
    return rows


def _measured(settings: Settings, count: int) -> list[Row]:
    server_cores, _ = cores()
    body = os.urandom(1 << 10)
    limits = (
        f"redirect: {{maxWait: 10m, hop: 10m, maxWaiting: {count + SPARE_FILES}}}\n"
        f"server: {{maxConnections: {count + SPARE_FILES}, idleTimeout: 10m}}\n")
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(GatedOrigin(body))
        server = stack.enter_context(SeaweedFS(f"waiting-{count}", is_public=True))
        redis = stack.enter_context(RedisServer(f"waiting-{count}"))
        stack.enter_context(Copier(f"waiting-{count}-copier", origin.base, server, redis))
        mirror = stack.enter_context(FrontEnd(f"waiting-{count}", origin.base, server, redis, server_cores, limits))
        nginx = stack.enter_context(_nginx(origin, count, server_cores))
        # What the first of all requests costs is in nobody's figures.
        _warm_up(mirror, nginx, origin)
        ours, theirs = [], []
        for number in range(settings.rounds):
            path = f"/artifacts/{number}/crowd.bin"
            ours.append(_ours(mirror, redis, origin, path, count))
            theirs.append(_nginx_crowd(nginx, origin, f"/nginx{path}", count))
            location = next(iter(ours[-1].answers)).split(" ")[1]
            if mirror.sha256(location) != hashlib.sha256(body).hexdigest():
                raise RuntimeError(f"the copy at {location} is not what the origin has")

    # The first round is the one whose memory was not there before: later ones find what it left.
    mine, peer = ours[0], theirs[0]
    say(f"  resident before {mine.before_mib:.0f} MiB, with {count:,} waiting {mine.waiting_mib:.0f} MiB; nginx {peer.before_mib:.0f}, {peer.waiting_mib:.0f}")
    say(f"  a connection alone takes {mine.kib_connection:.1f} KiB; nginx {peer.kib_connection:.1f}")

    def middle(waits: list[Wait], name: str) -> float:
        return percentile([getattr(wait, name) for wait in waits], 0.5)

    name = "nginx, proxy_cache_lock"
    rows = [
        Row(
            "waiting", f"KiB of memory for each of {count:,} waiting clients ({mine.kib_connection:.1f} for the connection)", mine.kib_each, name, peer.kib_each, higher_is_better=False,
            cpu=(middle(ours, "cpu_us"), middle(theirs, "cpu_us")), cpu_unit="us/client, its connection and its wait",
            memory=(mine.waiting_mib, peer.waiting_mib)),
    ]
    for which, text in (("first", "the first"), ("median", "the median"), ("last", "the last")):
        figure, other = middle(ours, which), middle(theirs, which)
        spreads = tuple(spread([getattr(wait, which) for wait in waits]) for waits in (ours, theirs))
        say(f"  {text} of {count:,} has its redirect {figure:.1f} ms after the copy was done; {name}: {other:.1f} ms after the origin's answer")
        rows.append(Row(
            "waiting", f"ms from the published copy to {text} of {count:,} redirects", figure, f"{name}, from the origin's answer", other,
            higher_is_better=False, spread=spreads))
    return rows


def files(count: int) -> int:
    """What a server with so many clients may have open. nginx closes connections that wait when it has a sixteenth left or less."""
    return count * 9 // 8 + SPARE_FILES


def allow_files(count: int) -> bool:
    """Lets this process, and so those that it starts, have as many files open. Returns whether that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(count, hard)))
        except (ValueError, PermissionError):
            return False
    return True


def _nginx(origin: GatedOrigin, count: int, on_cores: list[int]) -> Nginx:
    folder = DATA / f"nginx-cache-{count}"
    return Nginx(
        f"waiting-{count}",
        f"""
        location / {{
            proxy_pass {origin.base};
            proxy_read_timeout 300s;
            proxy_cache crowd;
            proxy_cache_valid 200 1h;
            proxy_cache_lock on;
            proxy_cache_lock_timeout 300s;
            proxy_cache_lock_age 300s;
        }}
        location = / {{ return 200 "x"; }}
        """,
        f"proxy_cache_path {folder} keys_zone=crowd:1m;", on_cores, connections=files(count))


def _warm_up(mirror: FrontEnd, nginx: Nginx, origin: GatedOrigin) -> None:
    path = "/artifacts/warm-up/one.bin"
    origin.open(path)
    mirror.copied(origin.base + path)
    with HTTPSocket(nginx.port) as client:
        if client.ask(path)[0] != 200:
            raise RuntimeError("nginx has nothing to cache")


def _ours(mirror: FrontEnd, redis: RedisServer, origin: GatedOrigin, path: str, count: int) -> Wait:
    url = origin.base + path
    words = [mirror.path(url), count, redis.port, changes_of(mirror.pool), url]

    def is_everybody_waiting() -> bool:
        return mirror.metric("cloud_mirror_waiting_requests") == count

    wait = _crowd(mirror.pid, mirror.port, words, origin, path, is_everybody_waiting)
    if origin.requests(path) != 1:
        raise RuntimeError(f"{count:,} clients cost {origin.requests(path)} fetches from the origin")
    text = next(iter(wait.answers)).split(" ")
    if len(wait.answers) != 1 or text[0] != "302" or not mirror.is_copy(text[1]) or text[2] != "wait":
        raise RuntimeError(f"not everybody was redirected to the copy after a wait: {dict(list(wait.answers.items())[:5])}, see {mirror.log}")
    return wait


def _nginx_crowd(nginx: Nginx, origin: GatedOrigin, path: str, count: int) -> Wait:
    # It has no figure for who waits; its clients have sent everything by then, and two seconds more is enough to read it.
    began = []

    def is_everybody_waiting() -> bool:
        began.append(time.monotonic())
        return began[-1] - began[0] > 2

    wait = _crowd(nginx.pid, nginx.port, [path, count], origin, path, is_everybody_waiting)
    # nginx counts uses of what it caches in ten bits: one of 1,024 clients waits for nobody and asks the origin itself.
    if wait.answers != {"200": count} or origin.requests(path) > 1 + count // 1_024:
        raise RuntimeError(f"nginx answered {wait.answers}, after {origin.requests(path)} fetches from the origin")
    return wait


def _crowd(pid: int, port: int, words: list, origin: GatedOrigin, path: str, is_everybody_waiting) -> Wait:
    """Lets a crowd gather, and then lets the origin answer."""
    client_cores = cores()[1]
    before, used = memory(pid)["VmRSS"], cpu_seconds(pid)
    with open(LOGS / "crowd.log", "ab") as log:
        crowd = subprocess.Popen(
            [sys.executable, "-B", Path(__file__).with_name("crowd.py"), *(str(word) for word in [port, *words])], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=lambda: os.sched_setaffinity(0, client_cores))
    try:
        _expect(crowd, "connected", PATIENCE)
        _settle(pid)
        connected = memory(pid)["VmRSS"]
        print(file=crowd.stdin, flush=True)
        _expect(crowd, "waiting", PATIENCE)
        origin.await_request(path)
        deadline = time.monotonic() + PATIENCE
        while not is_everybody_waiting():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not everybody waits within {PATIENCE} s")
            time.sleep(0.1)
        resident, spent = memory(pid)["VmRSS"], cpu_seconds(pid) - used
        origin.open(path)
        seen = json.loads(_expect(crowd, "{", PATIENCE))
    finally:
        crowd.kill()
        crowd.wait(timeout=10)
        crowd.stdin.close()
        crowd.stdout.close()
    answered = origin.answered[path][0]
    done = seen["published"] or answered
    times = [(moment - done) * 1000 for moment in seen["times"]]
    count = len(times)
    return Wait(
        answers=seen["answers"], kib_each=(resident - before) * 1024 / count, kib_connection=(connected - before) * 1024 / count, cpu_us=spent / count * 1e6, before_mib=before,
        waiting_mib=resident, first=times[0], median=percentile(times, 0.5), last=times[-1], copied=(done - answered) * 1000)


def _settle(pid: int) -> None:
    """Returns when the server does nothing any more: it has accepted whoever knocked."""
    used = cpu_seconds(pid)
    while True:
        time.sleep(0.3)
        now = cpu_seconds(pid)
        if now - used < 0.03:
            return
        used = now


def _expect(process: subprocess.Popen, beginning: str, patience: float) -> str:
    """The next line of its output, which has to begin so."""
    ready, _, _ = select.select([process.stdout], [], [], patience)
    line = process.stdout.readline() if ready else ""
    if not line.startswith(beginning):
        raise RuntimeError(f"the clients said {line!r} instead of {beginning!r}, see {LOGS / 'crowd.log'}")
    return line
