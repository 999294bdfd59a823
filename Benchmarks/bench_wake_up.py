"""From the moment a copier's transition is published until a client on another node has its redirect; and the whole of a cold redirect."""

import hashlib
import select
import time
from dataclasses import dataclass

from data import origin, random_file
from http_socket import HTTPSocket
from nodes import Copier, FrontEnd
from percentiles import percentile
from process import cpu_seconds, memory
from redis_server import RedisConnection, RedisServer, changes_of, publication_ms, tells_present
from seaweedfs import SeaweedFS
from settings import Settings, say
from table import Row

SIZE = 1 << 10
# What opens connections and loads scripts is in nobody's figures.
UNMEASURED = 10


@dataclass
class Woken:
    """One cold artifact: milliseconds until two front ends redirected to it, from its request and from the published transition."""

    whole: list[float]
    # Of those that waited: who asks a moment too late finds the copy there, in the state or in the pool.
    after_copy: list[float]
    location: str


def run(settings: Settings) -> list[Row]:
    artifact = random_file(SIZE)
    count = settings.wake_ups
    with (
        origin("wake-up-origin") as web, SeaweedFS("wake-up", is_public=True) as server, RedisServer("wake-up") as redis,
        Copier("wake-up-copier", web.base, server, redis) as copier,
        FrontEnd("wake-up-a", web.base, server, redis) as first, FrontEnd("wake-up-b", web.base, server, redis) as second,
    ):
        woken, direct = [], []
        with (
            redis.connect() as changes, HTTPSocket(first.port) as client_of_first, HTTPSocket(second.port) as client_of_second,
            HTTPSocket(web.port) as client_of_origin,
        ):
            changes.subscribe(changes_of(first.pool))
            for number in range(UNMEASURED + count):
                if number == UNMEASURED:
                    before = cpu_seconds(first.pid)
                path = f"/cold-{number}/{SIZE}.bin"
                woken.append(_once(first, changes, [client_of_first, client_of_second], web.base + path))
                direct.append(_direct(client_of_origin, path))
        used = (cpu_seconds(first.pid) - before) / count
        _check(first, copier, woken, artifact.read_bytes())
        resident = memory(first.pid)["VmRSS"]
        published = publication_ms(redis, count)
    woken, direct = woken[UNMEASURED:], direct[UNMEASURED:]
    wake = [took for each in woken for took in each.after_copy]
    whole = [took for each in woken for took in each.whole]
    if len(wake) < len(whole) * 0.9:
        raise RuntimeError(f"only {len(wake)} of {len(whole)} requests waited for their copy")
    say(f"  wake-up p50 {percentile(wake, 0.5):.2f} ms, p99 {percentile(wake, 0.99):.2f} ms, worst {max(wake):.2f} ms, of {len(wake):,}")
    say(f"  cold redirect p50 {percentile(whole, 0.5):.2f} ms, p99 {percentile(whole, 0.99):.2f} ms; direct {percentile(direct, 0.5):.2f} ms")
    worst = percentile(wake, 0.99)
    return [
        Row(
            "wake-up", f"ms from the published copy to the redirect on another node, median of {len(wake):,}", percentile(wake, 0.5),
            "PUBLISH to a subscriber", percentile(published, 0.5), higher_is_better=False, p99=(worst, percentile(published, 0.99)),
            budget="p99 under 10 ms", met=worst < 10),
        Row(
            "wake-up", f"ms to the cold redirect of {SIZE:,} bytes, front end and copier apart, median of {len(whole):,}",
            percentile(whole, 0.5), "GET from the origin", percentile(direct, 0.5), higher_is_better=False,
            p99=(percentile(whole, 0.99), percentile(direct, 0.99)), cpu=(used * 1000, None), cpu_unit="ms at the front end",
            memory=(resident, None)),
    ]


def _once(mirror: FrontEnd, changes: RedisConnection, clients: list[HTTPSocket], url: str) -> Woken:
    """Asks each front end for an artifact that nobody has, and takes the time of everything that arrives."""
    published, answered, answers = None, {}, {}
    with select.epoll() as poll:
        for each in [changes, *clients]:
            poll.register(each, select.EPOLLIN)
        asked = {}
        for client in clients:
            asked[client.fileno()] = time.perf_counter()
            client.send(mirror.path(url))
        by_number = {client.fileno(): client for client in clients}
        while published is None or len(answers) < len(clients):
            events = poll.poll(60)
            now = time.perf_counter()
            if not events:
                raise TimeoutError(f"no redirect to a copy of {url} within 60 s, see {mirror.log}")
            for number, _ in events:
                if number == changes.fileno():
                    # The first that says so: a later one may tell of the same.
                    if published is None and any(tells_present(message, url) for message in changes.ready()):
                        published = now
                else:
                    answered.setdefault(number, now)
                    answer = by_number[number].receive()
                    if answer is not None:
                        answers[number] = answer
    for status, fields in answers.values():
        if status != 302 or not mirror.is_copy(fields.get("location", "")) or fields.get("x-cloud-mirror-outcome") not in ("wait", "hit", "backfill"):
            raise RuntimeError(f"{status} {fields} instead of a redirect to the copy of {url}, see {mirror.log}")
    locations = {fields["location"] for _, fields in answers.values()}
    if len(locations) != 1:
        raise RuntimeError(f"the front ends redirect {url} to different copies: {locations}")
    return Woken(
        whole=[(answered[number] - asked[number]) * 1000 for number in answered],
        after_copy=[
            (answered[number] - published) * 1000 for number, (_, fields) in answers.items() if fields["x-cloud-mirror-outcome"] == "wait"
        ],
        location=locations.pop())


def _direct(client: HTTPSocket, path: str) -> float:
    """Milliseconds until the origin's answer is there, over a connection that is open."""
    status, _, took = client.ask(path)
    if status != 200:
        raise RuntimeError(f"the origin answered {status} for {path}")
    return took


def _check(mirror: FrontEnd, copier: Copier, woken: list[Woken], content: bytes) -> None:
    """Each artifact was copied once, by the copier, and whole."""
    copies = copier.metric("cloud_mirror_copies_total")
    if copies != len(woken) or mirror.metric("cloud_mirror_copies_total") != 0:
        raise RuntimeError(f"{len(woken)} artifacts took {copies:.0f} copies, see {copier.log}")
    digest = hashlib.sha256(content).hexdigest()
    for each in woken[::max(1, len(woken) // 20)]:
        if mirror.sha256(each.location) != digest:
            raise RuntimeError(f"the copy at {each.location} is not what the origin has")
