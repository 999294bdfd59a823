"""Calls of the state store: on Redis, embedded, and what the same Redis does for redis-benchmark."""

import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from process import cpu_seconds, measure, memory
from redis_server import PREFIX, SCHEMA, RedisServer, latencies_in
from settings import DATA, LOGS, Settings, cores, say
from table import Row, spread

POOL = "s3/benchmark"
BATCH = 500

# What a transition does, in one script: reads a record, writes it, its indexes, its job and the totals, and tells of it.
SCRIPT = """
redis.call('HGETALL', KEYS[1])
redis.call('HSET', KEYS[1], 'status', 'pending', 'entry', '1-0', 'queued_at', ARGV[1], 'attempts', '0')
redis.call('ZADD', KEYS[2], 0, KEYS[1])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 1000, '*', 'url', KEYS[1], 'at', ARGV[1])
redis.call('HINCRBY', KEYS[4], 'pending', 1)
redis.call('PUBLISH', 'peer', KEYS[1])
return 1
"""


@dataclass
class Calls:
    """One run: calls (or uses) a second, latency in milliseconds, processor time for each in microseconds."""

    rate: float
    p50: float
    p99: float
    client_us: float
    server_us: float
    client_mib: float
    # Of the rates of several rounds.
    spread: float | None = None


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    program = os.environ.get("STATE_BENCHMARK_EXECUTABLE", "")
    if not os.access(program, os.X_OK):
        raise RuntimeError("STATE_BENCHMARK_EXECUTABLE names no executable")
    file = DATA / "state-benchmark" / "state.sqlite"
    shutil.rmtree(file.parent, ignore_errors=True)
    with RedisServer("state", server_cores) as redis:

        def ours(operation: str, tasks: int, server: str | None = None) -> Callable[[], Calls]:
            return lambda: _ours(settings, program, redis, server or redis.url, operation, tasks)

        def peer(clients: int, pipeline: int, *words) -> Callable[[], Calls]:
            return lambda: _peer(settings, redis, clients, pipeline, words)

        empty = redis.used_bytes()
        # Makes the records that the peer's are copied from, too.
        ours("replica", 64)()
        each = (redis.used_bytes() - empty) / settings.state_replicas
        say(f"  a present replica takes {each:,.0f} bytes of Redis, with a URL of some 60 bytes")
        _records_for_the_peer(redis, settings.state_replicas)
        with redis.connect() as connection:
            digest = connection.ask("SCRIPT", "LOAD", SCRIPT).decode()
            for number in range(settings.state_replicas):
                connection.ask("SET", f"peer:value:{number:012}", "x" * 100)
        get, hash_of = ("GET", "peer:value:__rand_int__"), ("HGETALL", "peer:hash:__rand_int__")
        script = ("EVALSHA", digest, 4, "peer:{x}:__rand_int__", "peer:{x}:index", "peer:{x}:jobs", "peer:{x}:counters", "1700000000000")
        ways = {
            "replica": ours("replica", 64), "replica, one by one": ours("replica", 1),
            "get": ours("get", 64), "cycle": ours("cycle", 64), "cycle, one by one": ours("cycle", 1), "touch": ours("touch", 1),
            "SQLite replica": ours("replica", 64, str(file)), "SQLite cycle": ours("cycle", 64, str(file)),
            "SQLite touch": ours("touch", 1, str(file)),
            "GET -c 64 -P 1": peer(64, 1, *get), "GET -c 1 -P 64": peer(1, 64, *get),
            "HGETALL -c 64 -P 1": peer(64, 1, *hash_of), "HGETALL -c 1 -P 64": peer(1, 64, *hash_of), "HGETALL -c 1 -P 1": peer(1, 1, *hash_of),
            "EVALSHA -c 64 -P 1": peer(64, 1, *script), "EVALSHA -c 1 -P 64": peer(1, 64, *script),
        }
        seen: dict[str, list[Calls]] = {name: [] for name in ways}
        for _ in range(settings.rounds):
            for name, way in ways.items():
                seen[name].append(way())
    middle = {name: median(calls) for name, calls in seen.items()}
    for name, calls in middle.items():
        say(
            f"  {name}: {calls.rate:,.0f}/s, p50 {calls.p50:.3f} ms, p99 {calls.p99:.3f} ms, "
            f"CPU {calls.client_us:.2f} us client, {calls.server_us:.2f} us server")

    def benchmark(text: str) -> str:
        return f"redis-benchmark {text}"

    def row(what: str, ours: str, name: str, theirs: str, each: int = 1) -> Row:
        return _row(what, middle[ours], name, middle[theirs], each)

    return [
        row("GET/s, 64 tasks, the client alone", "get", benchmark("GET -c 64 -P 1"), "GET -c 64 -P 1"),
        row("GET/s, 64 tasks, the client alone", "get", benchmark("GET -c 1 -P 64"), "GET -c 1 -P 64"),
        row("replicas looked up/s, 64 tasks", "replica", benchmark("HGETALL -c 64 -P 1"), "HGETALL -c 64 -P 1"),
        row("replicas looked up/s, 64 tasks", "replica", benchmark("HGETALL -c 1 -P 64"), "HGETALL -c 1 -P 64"),
        row("replicas looked up/s, 64 tasks", "replica", "SQLite state", "SQLite replica"),
        row("replicas looked up/s, one by one", "replica, one by one", benchmark("HGETALL -c 1 -P 1"), "HGETALL -c 1 -P 1"),
        row("claim, lease, finish: cycles/s, 64 tasks", "cycle", benchmark("EVALSHA -c 64 -P 1, three a cycle"), "EVALSHA -c 64 -P 1", 3),
        row("claim, lease, finish: cycles/s, 64 tasks", "cycle", benchmark("EVALSHA -c 1 -P 64, three a cycle"), "EVALSHA -c 1 -P 64", 3),
        row("claim, lease, finish: cycles/s, 64 tasks", "cycle", "SQLite state", "SQLite cycle"),
        _row("claim, lease, finish: cycles/s, one by one", middle["cycle, one by one"], "", None),
        row(f"uses remembered/s, {BATCH} in a call", "touch", "SQLite state", "SQLite touch"),
    ]


def _ours(settings: Settings, program: str, redis: RedisServer, server: str, operation: str, tasks: int) -> Calls:
    """Runs our store for a while. Its processor time is taken while it measures, not while it prepares."""
    command = [
        program, server, operation, "--tasks", tasks, "--seconds", settings.state_seconds, "--replicas", settings.state_replicas, "--batch", BATCH,
        "--prefix", PREFIX,
    ]
    client_cores = cores()[1]
    with open(LOGS / "state-benchmark.log", "ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, client_cores))
    try:
        _expect(process, "begin")
        client, other = cpu_seconds(process.pid), redis.cpu()
        _expect(process, "end")
        client, other = cpu_seconds(process.pid) - client, redis.cpu() - other
        resident = memory(process.pid)["VmRSS"]
        seen = json.loads(_expect(process, "{"))
        if process.wait(timeout=60) != 0:
            raise RuntimeError(f"{operation} ended with {process.returncode}, see {LOGS / 'state-benchmark.log'}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
        process.stdout.close()
    return calls_of(seen, client, other if server == redis.url else 0, resident)


def calls_of(seen: dict, client: float, server: float, resident: float) -> Calls:
    """What the program said of one run, with the seconds that it and the server took for it."""
    units = seen["units"]
    if units == 0:
        raise RuntimeError(f"{seen['operation']} was not called once")
    return Calls(
        units / seen["seconds"], seen["calls"]["p50_us"] / 1000, seen["calls"]["p99_us"] / 1000, client / units * 1e6, server / units * 1e6,
        resident)


def _expect(process: subprocess.Popen, beginning: str) -> str:
    line = process.stdout.readline()
    if not line.startswith(beginning):
        raise RuntimeError(f"the state benchmark said {line!r} instead of {beginning!r}, see {LOGS / 'state-benchmark.log'}")
    return line


def _peer(settings: Settings, redis: RedisServer, clients: int, pipeline: int, words: tuple) -> Calls:
    # It counts requests and not seconds: as many as take it about the same time.
    rate = 12_000 if clients == 1 and pipeline == 1 else (40_000 if pipeline == 1 else 200_000)
    count = rate * settings.state_seconds
    before = redis.cpu()
    ran = measure(
        ["redis-benchmark", "-p", redis.port, "-c", clients, "-P", pipeline, "-n", count, "-r", settings.state_replicas, "--csv", *words],
        LOGS / "redis-benchmark.log", on_cores=cores()[1])
    used = redis.cpu() - before
    found = list(latencies_in(ran.output).values())
    if len(found) != 1:
        raise RuntimeError(f"redis-benchmark said nothing to be read: {ran.output[:200]}")
    rate, p50, p99 = found[0]
    return Calls(rate, p50, p99, ran.cpu / count * 1e6, used / count * 1e6, ran.peak_mib)


def _records_for_the_peer(redis: RedisServer, count: int) -> None:
    """Copies of a record under names that redis-benchmark makes up."""
    with redis.connect() as connection:
        found = connection.ask("KEYS", f"{PREFIX}:{SCHEMA}:{{{POOL}}}:replica:*")
        if len(found) < count:
            raise RuntimeError(f"there are {len(found)} records in Redis, {count} were expected")
        for number in range(count):
            if connection.ask("COPY", found[0], f"peer:hash:{number:012}", "REPLACE") != 1:
                raise RuntimeError("a record could not be copied")


def median(calls: list[Calls]) -> Calls:
    """What several rounds saw."""
    figures = {name: statistics.median(getattr(each, name) for each in calls) for name in Calls.__dataclass_fields__ if name != "spread"}
    return Calls(**figures, spread=spread([each.rate for each in calls]))


def _row(what: str, ours: Calls, name: str, peer: Calls | None, each: int = 1) -> Row:
    """A row whose processor time is that of client and server together. Of the peer, so many calls are one of ours."""
    return Row(
        "state", f"{what}; p50 {ours.p50:.2f} ms, server's part of the CPU {ours.server_us:.1f} us", ours.rate, name,
        peer.rate / each if peer else None,
        cpu=(ours.client_us + ours.server_us, (peer.client_us + peer.server_us) * each if peer else None), cpu_unit="us each",
        # Of several calls in a row there is no 99th percentile to be had from those of one.
        p99=(ours.p99, peer.p99 if peer and each == 1 else None), memory=(ours.client_mib, peer.client_mib if peer else None),
        spread=(ours.spread, peer.spread if peer else None))
