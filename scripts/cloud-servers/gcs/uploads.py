"""Resumable uploads: sessions that either API begins, and to whose address the bytes are sent without any other authentication."""

import re
import threading

from web.content import Content, Sink
from web.messages import Response

from . import digests
from .errors import Failure, invalid
from .store import Object, new_identifier

UNIT = 256 << 10
RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
LIFE = 7 * 24 * 3600


class Session:
    def __init__(self, bucket, name, fields, wanted, conditions, may_replace, expected, public, show, now):
        self.bucket = bucket
        self.name = name
        self.fields = fields
        self.wanted = wanted  # digests that the client gave when it began
        self.conditions = conditions
        self.may_replace = may_replace
        self.expected = expected  # the length, where the client said it when it began
        self.public = public
        self.show = show  # the answer about an object, in the form of the API that began the session
        self.began = now
        self.contents = []
        self.kept = 0
        self.digests = digests.Digests()
        self.result = None
        self.over = None  # the status of every later request
        self.lock = threading.Lock()


class Uploads:
    def __init__(self, store):
        self.store = store
        self.sessions = {}

    def begin(self, session):
        identifier = new_identifier()
        self.sessions[identifier] = session
        return identifier

    def answer(self, request):
        session = self.sessions.get(request.parameter("upload_id"))
        if session is None or request.now > session.began + LIFE:
            raise Failure(404, "notFound", "NoSuchUpload", "Not Found")
        if request.method == "DELETE":
            session.over, session.contents = 499, []
            return Response(499)
        if request.method not in ("PUT", "POST"):
            raise Failure(405, "methodNotAllowed", "MethodNotAllowed", "Method Not Allowed")
        # A request that was broken off may still be reading what it got.
        with session.lock:
            if session.over is not None:
                raise Failure(session.over, "gone", "NoSuchUpload", "The upload session is over.")
            if session.result is not None:
                return session.show(request, session.result)
            return self.received(request, session)

    def received(self, request, session):
        header = request.headers.get("content-range")
        if header is None:
            return self.take(request, session, 0, None)
        match = RANGE.fullmatch(header)
        if match is None:
            raise invalid("Failed to parse Content-Range header.")
        first, last, total = (int(part) if part not in (None, "*") else None for part in match.groups())
        if session.expected is not None and total not in (None, session.expected):
            raise invalid("The total size in Content-Range is not that of X-Upload-Content-Length.")
        if first is None:
            if request.body.length != 0:
                raise invalid("Content-Range has no range, but there is a body.")
            if total is None or total > session.kept:
                return self.incomplete(request, session)
            if total < session.kept:
                raise invalid("The total size in Content-Range is less than what was uploaded.")
            return self.finish(request, session)
        length = last - first + 1
        if length <= 0 or (total is not None and last >= total):
            raise invalid("The range in Content-Range is empty or beyond the total size.")
        if request.body.length is not None and request.body.length != length:
            message = f"Invalid request.  There were {request.body.length} byte(s) in the request body.  There should have been {length} byte(s)"
            raise invalid(f"{message} (starting at offset {first} and ending at offset {last}) according to the Content-Range header.")
        final = total is not None and last + 1 == total
        if not final and length < UNIT:
            message = f"Invalid request.  The number of bytes uploaded is required to be equal or greater than {UNIT}, except for the final request"
            raise invalid(f"{message} (it's recommended to be the exact multiple of {UNIT}).  The received request contained {length} bytes.")
        if first > session.kept:
            message = f"Invalid request.  According to the Content-Range header, the upload offset is {first} byte(s), which exceeds already uploaded size"
            raise Failure(503, "backendError", "ServiceUnavailable", f"{message} of {session.kept} byte(s).")
        return self.take(request, session, first, length, final)

    def take(self, request, session, first, length, final=True):
        """Keeps whole units as they come, so that much is left of a request that ends too early."""
        skip = session.kept - first
        sink, pending, count = Sink(self.store.directory, session.digests), bytearray(), 0
        try:
            for piece in request.body.pieces():
                count += len(piece)
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                piece, skip = piece[skip:], 0
                whole = len(piece) - (session.kept + sink.length + len(pending) + len(piece)) % UNIT
                if whole > 0:
                    sink.write(pending)
                    sink.write(piece[:whole])
                    pending, piece = bytearray(), piece[whole:]
                pending += piece
            if length is not None and count != length:
                raise invalid("The body is not as long as Content-Range says.")
            if final:
                sink.write(pending)
        finally:
            session.contents.append(sink.content())
            session.kept += sink.length
        return self.finish(request, session) if final else self.incomplete(request, session)

    def incomplete(self, request, session):
        headers = {"Range": f"bytes=0-{session.kept - 1}"} if session.kept > 0 else {}
        if request.headers.get("x-guploader-no-308") == "yes":
            # Google's own client in Go asks for this, because to its HTTP library 308 is a redirect.
            return Response(200, {**headers, "X-HTTP-Status-Code-Override": "308"})
        return Response(308, headers)

    def finish(self, request, session):
        if session.expected not in (None, session.kept):
            raise invalid("The upload is not as long as X-Upload-Content-Length says.")
        try:
            session.digests.check(session.wanted | digests.in_headers(request.headers))
            item = Object(Content.joined(session.contents), session.digests.crc32c, session.digests.md5, session.fields)
            item.public = session.public
            self.store.publish(session.bucket, session.name, item, session.conditions, session.may_replace, request.now)
        except Failure:
            session.over = 410
            session.contents = []
            raise
        session.result = item
        session.contents = []
        return session.show(request, item)
