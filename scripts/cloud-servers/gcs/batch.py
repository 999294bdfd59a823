"""Batches of the JSON API: requests in the parts of one."""

import re
import secrets

from web.messages import Request, Response
from web.multipart import mixed, parse_headers, split_head

from .errors import Failure, invalid

MOST = 100


class Done:
    """The body of a request within another, of which everything is there."""

    sha256 = None

    def __init__(self, data):
        self.data = data
        self.length = len(data)

    def read(self):
        return self.data

    def pieces(self):
        yield self.data


def answer(request, respond):
    """`respond` answers each."""
    parts = mixed(request.body.read(), request.headers.get("content-type", ""))
    if len(parts) > MOST:
        raise invalid(f"The batch request could not be processed: it has more than {MOST} calls.")
    boundary = f"batch_{secrets.token_hex(12)}"
    lines = []
    for headers, data in parts:
        identifier = headers.get("content-id", "")
        response = respond(_inner(request, headers, data))
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body.pieces())
        shown = {**response.headers, "Content-Length": str(len(body))}
        head = [f"--{boundary}", "Content-Type: application/http"]
        if identifier:
            head.append(f"Content-ID: <response-{identifier.strip('<>')}>" if identifier.startswith("<") else f"Content-ID: response-{identifier}")
        head += ["", f"HTTP/1.1 {response.status} Status"] + [f"{name}: {value}" for name, value in shown.items() if value is not None] + ["", ""]
        lines += ["\r\n".join(head).encode(), body, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return Response(200, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, b"".join(lines))


def _inner(outer, headers, data):
    if not headers.get("content-type", "").startswith("application/http"):
        raise invalid("A part of the batch is not application/http")
    head, body = split_head(data)
    line, _, rest = head.partition(b"\n")
    words = line.decode("latin-1").split()
    # The version may be missing, as it is in the documentation, and the target may be a URL, as Google's own client writes it.
    target = re.sub("^https?://[^/]+", "", words[1]) if len(words) in (2, 3) else ""
    if not target.startswith("/"):
        raise Failure(400, "badRequest", "InvalidArgument", "A part of the batch has no request line")
    inner = {name: value for name, value in outer.headers.items() if name in ("authorization", "host")} | parse_headers(rest)
    request = Request(words[0], target, inner, Done(body[: int(inner.get("content-length", len(body)))]), outer.scheme, outer.peer)
    request.now, request.effects = outer.now, {}
    return request
