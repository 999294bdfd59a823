"""Requests within the parts of another."""

import re

from .messages import Request
from .multipart import parse_headers, split_head


class Done:
    """The body of such a request, of which everything is there."""

    sha256 = None

    def __init__(self, data):
        self.data = data
        self.length = len(data)

    def read(self, limit=0):
        return self.data

    def pieces(self):
        yield self.data


def inner(outer, headers, data, inherited):
    """The request in a part, or None where there is none. It has the outer one's headers of those names, where it has not its own."""
    head, body = split_head(data)
    line, _, rest = head.partition(b"\n")
    words = line.decode("latin-1").split()
    # The version may be missing, as in Google's documentation, and the target may be a URL, as Google's own client writes it.
    target = re.sub("^https?://[^/]+", "", words[1]) if len(words) in (2, 3) else ""
    if not headers.get("content-type", "").startswith("application/http") or not target.startswith("/"):
        return None
    own = {name: value for name, value in outer.headers.items() if name in inherited} | parse_headers(rest)
    request = Request(words[0], target, own, Done(body[: int(own.get("content-length", len(body)))]), outer.scheme, outer.peer)
    request.outer, request.now = outer, outer.now
    return request
