"""Bodies of several parts: multipart/related of an upload, multipart/mixed of a batch."""

import email.message
import re

from .content import Sink
from .messages import Refused


def boundary_of(content_type):
    """Of a Content-Type; refuses one that has none."""
    message = email.message.Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if not message.get_content_type().startswith("multipart/") or not boundary:
        raise Refused(400, "the body is not multipart")
    return boundary


def parse_headers(head):
    headers = {}
    for line in head.split(b"\n"):
        if line.strip():
            name, colon, value = line.partition(b":")
            if not colon:
                raise Refused(400, "a part's header is not one")
            headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
    return headers


def split_head(data):
    """What is before and after the first empty line. Both services take lines that end without CR in a batch, and some clients send them."""
    found = re.search(rb"\r?\n\r?\n", data)
    return (data[: found.start()], data[found.end() :]) if found else (data, b"")


def mixed(body, content_type):
    """Each part as (headers, bytes)."""
    delimiter = rb"\r?\n--" + re.escape(boundary_of(content_type).encode())
    pieces = re.split(delimiter + rb"(?=\r?\n|--)", b"\n" + body)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Refused(400, "the body does not end with its boundary")
    parts = []
    for piece in pieces[1:-1]:
        head, data = split_head(piece)
        parts.append((parse_headers(head), data))
    return parts


def related(body, content_type, directory, *digests):
    """The metadata and the media of an upload: (headers, bytes, headers, Content). The media may be large, and goes to disk as it comes."""
    delimiter = b"\r\n--" + boundary_of(content_type).encode()
    pieces = body.pieces()
    buffer = bytearray(b"\r\n")

    def until(end):
        while end not in buffer:
            if len(buffer) > (1 << 20):
                raise Refused(400, "the first part is too long")
            more = next(pieces, None)
            if more is None:
                raise Refused(400, "the body ends too early")
            buffer.extend(more)
        at = buffer.index(end)
        found = bytes(buffer[:at])
        del buffer[: at + len(end)]
        return found

    until(delimiter + b"\r\n")
    # The empty line may come at once, where a part has no headers.
    metadata_head, metadata = (b"\r\n" + until(delimiter + b"\r\n")).split(b"\r\n\r\n", 1)
    buffer[:0] = b"\r\n"
    media_head = until(b"\r\n\r\n")
    sink = Sink(directory, *digests)
    while (at := buffer.find(delimiter)) < 0:
        # The delimiter may have begun at the end.
        sure = len(buffer) - len(delimiter)
        if sure > 0:
            sink.write(buffer[:sure])
            del buffer[:sure]
        more = next(pieces, None)
        if more is None:
            raise Refused(400, "the body does not end with its boundary")
        buffer.extend(more)
    sink.write(buffer[:at])
    del buffer[: at + len(delimiter)]
    for more in pieces:
        buffer.extend(more)
    if not buffer.startswith(b"--"):
        raise Refused(400, "there are more than two parts")
    return parse_headers(metadata_head), metadata, parse_headers(media_head), sink.content()
