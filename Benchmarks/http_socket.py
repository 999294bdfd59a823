"""HTTP over a socket that the caller waits for: so that the moment is known at which an answer begins."""

import socket
import time


class HTTPSocket:
    """One connection; one request after the other."""

    def __init__(self, port: int, timeout: float = 120):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, path: str, token: str = "") -> None:
        self.received.clear()
        self.socket.sendall(request(path, token))

    def receive(self) -> tuple[int, dict[str, str]] | None:
        """Reads what is there, or waits for it. Status and header fields, names in lower case, once the whole answer was read."""
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.received += chunk
        return answer_in(self.received)

    def ask(self, path: str, token: str = "") -> tuple[int, dict[str, str], float]:
        """Status, header fields, and milliseconds until the first byte of the answer. `token` is for admin calls."""
        began = time.perf_counter()
        self.send(path, token)
        answer = self.receive()
        took = (time.perf_counter() - began) * 1000
        while answer is None:
            answer = self.receive()
        return *answer, took

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "HTTPSocket":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def request(path: str, token: str = "") -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n{authorization}\r\n".encode("ascii")


def answer_in(data: bytes | bytearray) -> tuple[int, dict[str, str]] | None:
    """Status and header fields of an answer that is whole; its body has the length that it states."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "content-length" not in fields:
        raise ValueError(f"an answer without a length: {first}")
    if len(data) < end + 4 + int(fields["content-length"]):
        return None
    return int(first.split(" ")[1]), fields
