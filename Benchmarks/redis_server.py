"""Redis on loopback: the state that many nodes share. And as much of a client as measuring takes."""

import csv
import io
import shutil
import signal
import socket
import time

from process import cpu_seconds, free_port, start, stop
from settings import DATA, LOGS

# Of every key and channel.
PREFIX = "bench"
# Of what is stored under the names: `PoolKeys.schema`.
SCHEMA = 2


class RedisServer:
    """One server that keeps nothing on disk, set up as the documentation says, as a context manager."""

    def __init__(self, name: str, on_cores: list[int] | None = None):
        self.port = free_port()
        self.on_cores = on_cores
        self.log = LOGS / f"redis-{name}.log"
        self.directory = DATA / f"redis-{name}"
        self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        return self.process.pid

    def launch(self) -> None:
        """Starts it, empty, and returns when it answers."""
        self.process = start(
            [
                "redis-server", "--port", self.port, "--bind", "127.0.0.1", "--protected-mode", "no", "--save", "", "--appendonly", "no",
                "--maxmemory", "2gb", "--maxmemory-policy", "volatile-lru", "--dir", self.directory,
            ],
            self.log, self.on_cores)
        deadline = time.monotonic() + 30
        while True:
            try:
                with RedisConnection(self.port) as connection:
                    if connection.ask("PING") == b"PONG":
                        return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server does not answer, see {self.log}")
            time.sleep(0.01)

    def pause(self) -> None:
        """Answers nothing from now on, and keeps its connections: what a machine does that is stuck."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def used_bytes(self) -> int:
        """Memory that its data and clients take."""
        with self.connect() as connection:
            lines = connection.ask("INFO", "memory").decode().splitlines()
        return int(next(line for line in lines if line.startswith("used_memory:")).partition(":")[2])

    def connect(self) -> "RedisConnection":
        return RedisConnection(self.port)

    def __enter__(self) -> "RedisServer":
        self.launch()
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.resume()  # Stopped, it would not see that it is to end.
        stop(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)


class RedisConnection:
    """A connection that sends commands and reads what comes back: replies, or messages of channels."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, *words) -> None:
        self.socket.sendall(encode(words))

    def ask(self, *words):
        self.send(*words)
        return self.next()

    def next(self):
        """The next reply or message, however long it takes to be whole."""
        while True:
            value, length = parse(self.received)
            if length:
                del self.received[:length]
                return value
            self.receive()

    def ready(self) -> list:
        """What is there now: for when the socket is readable."""
        self.receive()
        values = []
        while True:
            value, length = parse(self.received)
            if not length:
                return values
            del self.received[:length]
            values.append(value)

    def receive(self) -> None:
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise ConnectionError("Redis closed the connection")
        self.received += chunk

    def subscribe(self, channel: str) -> None:
        answer = self.ask("SUBSCRIBE", channel)
        if answer[:2] != [b"subscribe", channel.encode()]:
            raise RuntimeError(f"no subscription to {channel}: {answer}")

    def __enter__(self) -> "RedisConnection":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()


def encode(words) -> bytes:
    """A command as the protocol has it."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def parse(data: bytes | bytearray, at: int = 0) -> tuple[object, int]:
    """The first value (RESP2), and how many bytes it has: 0 when it is not whole yet."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return None, 0
    kind, text, next_at = data[at:at + 1], bytes(data[at + 1:end]), end + 2
    if kind in (b"+", b"-"):
        return (text if kind == b"+" else RuntimeError(text.decode())), next_at - at
    if kind == b":":
        return int(text), next_at - at
    length = int(text)
    if kind == b"$":
        if length < 0:
            return None, next_at - at
        if len(data) < next_at + length + 2:
            return None, 0
        return bytes(data[next_at:next_at + length]), next_at + length + 2 - at
    if kind != b"*":
        raise ValueError(f"no value begins with {bytes(kind)!r}")
    values = []
    for _ in range(length):
        value, size = parse(data, next_at)
        if not size:
            return None, 0
        values.append(value)
        next_at += size
    return values, next_at - at


def changes_of(pool: str) -> str:
    """The channel that tells of every transition in a pool."""
    return f"{PREFIX}:{SCHEMA}:{{{pool}}}:changes"


def publication_ms(redis: RedisServer, count: int) -> list[float]:
    """How long a message takes from PUBLISH on one connection until it is read from another: what no wake-up by pub/sub can be below."""
    took = []
    with redis.connect() as sender, redis.connect() as receiver:
        receiver.subscribe("benchmark")
        for _ in range(count):
            began = time.perf_counter()
            sender.send("PUBLISH", "benchmark", "x")
            receiver.next()
            took.append((time.perf_counter() - began) * 1000)
            sender.next()
    return took


def latencies_in(output: str) -> dict[str, tuple[float, float, float]]:
    """Operations a second, the median and the 99th percentile in ms, of each test in what `redis-benchmark --csv` prints."""
    # Progress goes to the same stream, each time behind a carriage return.
    lines = [line.rpartition("\r")[2] for line in output.splitlines()]
    rows = csv.DictReader(io.StringIO("\n".join(line for line in lines if line.startswith('"'))))
    return {row["test"]: tuple(float(row[name]) for name in ("rps", "p50_latency_ms", "p99_latency_ms")) for row in rows}


def tells_present(message, url: str) -> bool:
    """Whether a message of that channel says that the replica of this artifact is there."""
    if not isinstance(message, list) or message[0] != b"message":
        return False
    told, *fields = netstrings(message[2])
    return told == url.encode() and dict(zip(fields[::2], fields[1::2])).get(b"status") == b"present"


def netstrings(data: bytes) -> list[bytes]:
    """A transition as it is told: the artifact's URL, then names and values in turn."""
    found, at = [], 0
    while at < len(data):
        colon = data.index(b":", at)
        length = int(data[at:colon])
        at = colon + 1 + length
        if at > len(data):
            raise ValueError("a netstring is longer than the message")
        found.append(data[colon + 1:at])
    return found
