"""One connection: reads requests as RFC 9112 says and nothing else, and writes the answers."""

import http
import os
import re
import socket
import ssl
import time

from .content import Content
from .messages import Body, Broken, Refused, Request, http_date

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
TARGET = re.compile(rb"/[!-~]*")
HEAD_LIMIT = 64 << 10


class Socket:
    """A socket without TLS, which can send files."""

    def __init__(self, sock):
        self.sock = sock
        self.recv = sock.recv
        self.sendall = sock.sendall

    def sendfile_from(self, descriptor, offset, length):
        while length > 0:
            sent = os.sendfile(self.sock.fileno(), descriptor, offset, length)
            if sent == 0:
                raise Broken("the file ended")
            offset += sent
            length -= sent


class Reader:
    def __init__(self, sock):
        self.sock = sock
        self.left = b""

    def some(self, limit):
        """At least one byte and at most `limit`."""
        if not self.left:
            data = self.sock.recv(min(limit, 512 << 10))
            if not data:
                raise Broken("the connection ended in a body")
            return data
        piece, self.left = self.left[:limit], self.left[limit:]
        return piece

    def until(self, end, limit):
        """Without `end`; None where the connection ends before the first byte."""
        while end not in self.left:
            if len(self.left) > limit:
                raise Refused(431, "a line or head is too long")
            if self.left.startswith(b"\x16"):
                # A client that tries TLS first waits for an answer.
                raise Refused(400, "this is TLS")
            data = self.sock.recv(64 << 10)
            if not data:
                if self.left:
                    raise Broken("the connection ended in a head")
                return None
            self.left += data
        found, _, self.left = self.left.partition(end)
        return found

    def line(self):
        found = self.until(b"\r\n", 4096)
        if found is None:
            raise Broken("the connection ended in a body")
        return found

    def chunk_size(self):
        size = self.line().partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
            raise Refused(400, "the size of a chunk is not a number")
        return int(size, 16)

    def chunk_end(self):
        if self.line() != b"":
            raise Refused(400, "a chunk is longer than its size")

    def trailers(self):
        while self.line() != b"":
            pass


class Connection:
    def __init__(self, sock, peer, application, faults, log):
        self.tls = isinstance(sock, ssl.SSLSocket)
        self.raw = sock
        self.sock = sock if self.tls else Socket(sock)
        self.reader = Reader(self.sock)
        self.peer = peer
        self.application = application
        self.faults = faults
        self.log = log

    def run(self):
        try:
            while self.exchange():
                pass
        except OSError:
            pass

    def exchange(self):
        """Whether another request may follow."""
        try:
            head = self.reader.until(b"\r\n\r\n", HEAD_LIMIT)
            if head is None:
                return False
            request = self.parse(head)
        except Refused as error:
            self.write_head(error.status, {"Content-Length": "0", "Connection": "close", "Date": http_date(time.time())})
            self.log("-", "-", error.status, str(error))
            return False
        response = self.faults.answer(request, self.application)
        if response is None:  # A fault that leaves nothing to say.
            self.log(request.method, request.raw_path, 0, "broken on request")
            return False
        self.log(request.method, request.raw_path, response.status, "")
        drained = self.drained(request.body)
        again = drained and request.headers.get("connection", "").lower() != "close"
        if not again:
            response.headers["Connection"] = "close"
        whole = self.write(request, response)
        if whole and not drained:
            self.linger()
        return whole and again

    def drained(self, body):
        """Whether the body, of which the application may not have wanted everything, is out of the way."""
        if body.ended:
            return True
        if body.failed or body.unasked or (body.length or 0) > (8 << 20):
            return False
        try:
            for _ in body.pieces():
                pass
        except (Broken, Refused):
            return False
        return True

    def linger(self):
        """Lets the client read the answer while it still sends a body that nobody wants (RFC 9112 §9.6)."""
        self.raw.shutdown(socket.SHUT_WR)
        self.raw.settimeout(5)
        while self.raw.recv(512 << 10):
            pass

    def parse(self, head):
        lines = head.split(b"\r\n")
        words = lines[0].split(b" ")
        if len(words) != 3 or not TOKEN.fullmatch(words[0]) or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise Refused(400, "the first line is not a request")
        if not TARGET.fullmatch(words[1]) or b"#" in words[1]:
            raise Refused(400, "the target is not a path")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.fullmatch(name) or b"\0" in value or b"\r" in value or b"\n" in value:
                raise Refused(400, "a header is not one")
            key, text = name.decode().lower(), value.strip(b" \t").decode("latin-1")
            if key in headers:
                if key in ("host", "content-length", "transfer-encoding", "authorization", "content-type", "range", "content-range"):
                    raise Refused(400, f"{key} is there twice")
                text = f"{headers[key]}, {text}"
            headers[key] = text
        if "host" not in headers:
            raise Refused(400, "Host is missing")
        if words[2] == b"HTTP/1.0":
            headers["connection"] = "close"
        return Request(words[0].decode(), words[1].decode(), headers, self.body(headers), "https" if self.tls else "http", self.peer)

    def body(self, headers):
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if coding is not None and (coding.lower() != "chunked" or length is not None):
            raise Refused(400, "Transfer-Encoding is not chunked, or Content-Length is there too")
        if length is not None and not re.fullmatch(r"[0-9]{1,18}", length):
            raise Refused(400, "Content-Length is not a number")
        expect = headers.get("expect", "").lower()
        if expect not in ("", "100-continue"):
            raise Refused(417, "Expect is not 100-continue")
        ask = (lambda: self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")) if expect else None
        return Body(self.reader, int(length or 0) if coding is None else 0, coding is not None, ask)

    def write_head(self, status, headers):
        try:
            phrase = http.HTTPStatus(status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {status} {phrase}"] + [
            f"{name}: {value}" for name, values in headers.items() for value in (values if isinstance(values, list) else [values])
        ]
        self.sock.sendall("\r\n".join(lines + ["", ""]).encode("latin-1"))

    def write(self, request, response):
        """Whether the whole of it went out."""
        headers = {name: value for name, value in response.headers.items() if value is not None}
        bodiless = request.method == "HEAD" or response.status in (204, 304)
        chunked = response.length is None and not bodiless
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif response.length is not None and response.status != 204:
            headers.setdefault("Content-Length", str(response.length))
        limit = request.effects.get("break_after")
        self.write_head(response.status, headers)
        if bodiless:
            return True
        if limit is not None and (response.length is None or limit < response.length):
            content = response.body if isinstance(response.body, Content) else Content.of(_bytes(response.body))
            content.slice(0, limit).send(self.sock)
            return False
        if isinstance(response.body, bytes):
            self.sock.sendall(response.body)
        elif isinstance(response.body, Content):
            response.body.send(self.sock)
        else:
            for piece in response.body:
                if piece:
                    self.sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.sock.sendall(b"0\r\n\r\n")
        return True


def _bytes(body):
    return body if isinstance(body, bytes) else b"".join(body)
