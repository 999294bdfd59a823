"""Requests and answers."""

import email.utils
import hashlib
import re
from urllib.parse import parse_qsl, unquote

from .content import Content, Sink


class Broken(ConnectionError):
    """The connection ended where a message had not."""


class Refused(Exception):
    """A request that the server layer itself does not take."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


class Request:
    def __init__(self, method, target, headers, body, scheme, peer):
        self.method = method
        self.target = target
        self.raw_path, _, self.raw_query = target.partition("?")
        self.query = parse_qsl(self.raw_query, keep_blank_values=True)
        self.headers = headers  # by name in lower case; values of the same name are joined by ", "
        self.body = body
        self.scheme = scheme
        self.peer = peer
        self.outer = None  # the request in whose parts it was
        self.now = 0.0
        self.effects = {}

    @property
    def host(self):
        return self.headers.get("host", "")

    @property
    def base_url(self):
        return f"{self.scheme}://{self.host}"

    def parameter(self, name, default=None):
        return next((value for key, value in self.query if key == name), default)

    def has(self, name):
        return any(key == name for key, _ in self.query)

    def segments(self):
        """The path, cut at "/" before it is decoded: a name that contains an encoded one stays whole."""
        return [unquote(segment) for segment in self.raw_path.split("/")[1:]]


class Response:
    def __init__(self, status, headers=None, body=b""):
        self.status = status
        self.headers = dict(headers or {})
        self.body = body  # bytes, a Content, or an iterator of pieces, whose length nobody knows

    @property
    def length(self):
        if isinstance(self.body, bytes):
            return len(self.body)
        return self.body.length if isinstance(self.body, Content) else None


class Body:
    """The body of a request: `length` is None when it comes in chunks."""

    def __init__(self, reader, length, chunked, ask):
        self.length = None if chunked else length
        self._reader = reader
        self._chunked = chunked
        self._left = length  # of the body, or of the chunk
        self._ask = ask  # sends "100 Continue"
        self.ended = not chunked and length == 0
        self.failed = False
        self.break_after = None
        self.sha256 = None  # What it must be, in hexadecimal.

    def pieces(self):
        if self.sha256 is None:
            yield from self._pieces()
            return
        digest = hashlib.sha256()
        for piece in self._pieces():
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self.sha256:
            raise Refused(400, "the body does not have the SHA-256 that was signed")

    def _pieces(self):
        try:
            yield from self._received()
        except (Broken, Refused):
            self.failed = True
            raise

    def _received(self):
        if self._ask is not None and not self.ended:
            self._ask()
        self._ask = None
        while not self.ended:
            if self._chunked and self._left == 0:
                self._left = self._reader.chunk_size()
                if self._left == 0:
                    self._reader.trailers()
                    self.ended = True
                    break
            wanted = self._left
            if self.break_after is not None:
                if self.break_after == 0:
                    raise Broken("broken on request")
                wanted = min(wanted, self.break_after)
            piece = self._reader.some(wanted)
            self._left -= len(piece)
            if self.break_after is not None:
                self.break_after -= len(piece)
            if self._left == 0:
                if self._chunked:
                    self._reader.chunk_end()
                else:
                    self.ended = True
            yield piece

    @property
    def unasked(self):
        return self._ask is not None

    def read(self, limit=16 << 20):
        data = bytearray()
        for piece in self.pieces():
            data += piece
            if len(data) > limit:
                raise Refused(413, "the body is too large")
        return bytes(data)

    def into(self, directory, *digests):
        sink = Sink(directory, *digests)
        for piece in self.pieces():
            sink.write(piece)
        return sink.content()


def as_field(text):
    """Text as a header's value: headers are Latin-1 here, and what is in them UTF-8."""
    return re.sub("[\r\n]+", " ", text).encode().decode("latin-1")


def from_field(text):
    return text.encode("latin-1").decode("utf-8", "replace")


def http_date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


def parse_date(text):
    """Seconds since 1970 of a date in HTTP's form, or None."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
