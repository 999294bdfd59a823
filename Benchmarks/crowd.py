"""Many clients that ask one server for the same and wait: a process of its own, so that nothing else takes its time.

usage: crowd.py PORT PATH CLIENTS [REDIS-PORT CHANNEL ARTIFACT]
Prints `connected` once everybody is, waits for a line, prints `waiting` once everybody has asked, and at the end a line of JSON. Times are those of the system's monotonic clock, in seconds.
"""

import gc
import json
import select
import socket
import sys
import time

from http_socket import answer_in, request
from redis_server import RedisConnection, tells_present

# Of linux/in.h; Python has a name for it only since 3.12.
IP_BIND_ADDRESS_NO_PORT = 24
# As many connections are made at a time: fewer than a listener lets wait for being accepted.
BATCH = 200
# As many from each address: an address has some 28,000 ports for connections to one port.
PER_ADDRESS = 10_000


def main(port: int, path: str, clients: int, redis_port: int = 0, channel: str = "", artifact: str = "") -> None:
    changes = None
    if redis_port:
        changes = RedisConnection(redis_port)
        changes.subscribe(channel)
    sockets, poll = {}, select.epoll()
    for first in range(0, clients, BATCH):
        batch = [connect(port, address_of(number)) for number in range(first, min(first + BATCH, clients))]
        for each in batch:
            sockets[each.fileno()] = each
    print("connected", flush=True)
    sys.stdin.readline()
    for each in sockets.values():
        each.sendall(request(path))
        each.setblocking(False)
        poll.register(each, select.EPOLLIN)
    if changes:
        poll.register(changes, select.EPOLLIN)
    gc.disable()
    print("waiting", flush=True)

    began: dict[int, float] = {}
    received: dict[int, bytes] = {}
    messages: list[tuple[float, list]] = []
    left = set(sockets)
    published = None
    while left or (changes and published is None):
        events = poll.poll(300)
        if not events:
            raise TimeoutError(f"{len(left)} clients have no answer, published: {published}")
        for number, _ in events:
            each = sockets.get(number)
            if each is None:
                now = time.monotonic()
                messages += [(now, message) for message in changes.ready()]
                if published is None:
                    published = next((now for _, message in messages if tells_present(message, artifact)), None)
                continue
            try:
                chunk = each.recv(1 << 14)
            except BlockingIOError:
                continue
            began.setdefault(number, time.monotonic())
            received[number] = received.get(number, b"") + chunk
            if not chunk or is_whole(received[number]):
                left.discard(number)
                poll.unregister(each)
    answers: dict[str, int] = {}
    for number in sockets:
        answer = answer_in(received[number])
        text = "closed" if answer is None else f"{answer[0]} {answer[1].get('location', '')} {answer[1].get('x-cloud-mirror-outcome', '')}".rstrip()
        answers[text] = answers.get(text, 0) + 1
    print(json.dumps({"answers": answers, "published": published, "times": sorted(began.values())}), flush=True)


def connect(port: int, address: str) -> socket.socket:
    """A connection from `address`.

    Its port is chosen when it connects, not when it is bound: then it may be one of a connection to another port, or of one that has ended.
    """
    connection = socket.socket()
    connection.settimeout(30)
    connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    connection.bind((address, 0))
    connection.connect(("127.0.0.1", port))
    return connection


def address_of(client: int) -> str:
    """Whence a client connects. All of 127.0.0.0/8 is this machine."""
    return f"127.0.0.{1 + client // PER_ADDRESS}"


def is_whole(data: bytes) -> bool:
    return answer_in(data) is not None


if __name__ == "__main__":
    words = sys.argv[1:]
    main(int(words[0]), words[1], int(words[2]), *([int(words[3]), *words[4:]] if words[3:] else []))
