"""Copies whose source the server reads itself, by its URL."""

import http.client
import re
import secrets
import ssl
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from web.content import Sink
from web.messages import Response, http_date

from . import conditions
from .accounts import CRC64, MD5, Blob
from .blobs import MOST_BLOB, MOST_BLOCK
from .errors import Failure, bad_header, missing_header
from .headers import PROPERTIES, digest, metadata_of, properties_of, versioned

MOST_SYNCHRONOUS = 256 << 20
MOST_URL = 2048
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


class Source:
    """An answer to a GET of a copy's source."""

    def __init__(self, request, limit):
        self.url = request.headers["x-ms-copy-source"]
        if len(self.url) > MOST_URL or not self.url.isascii() or not re.fullmatch(r"https?://[!-~]+", self.url):
            raise bad_header("x-ms-copy-source", self.url)
        parts = urlsplit(self.url)
        # A server for tests reads from this machine and no other.
        if parts.hostname not in ("127.0.0.1", "localhost", "::1") and not (parts.hostname or "").endswith(".localhost"):
            raise _unverified(400, "The source is not on this machine.")
        headers = {"x-ms-version": request.headers.get("x-ms-version")} if "x-ms-copy-source-authorization" in request.headers else {}
        if "x-ms-copy-source-authorization" in request.headers:
            if not request.headers["x-ms-copy-source-authorization"].startswith("Bearer "):
                raise bad_header("x-ms-copy-source-authorization")
            headers["Authorization"] = request.headers["x-ms-copy-source-authorization"]
        self.range = request.headers.get("x-ms-source-range")
        if self.range is not None:
            if not re.fullmatch(r"bytes=\d+-\d+", self.range):
                raise bad_header("x-ms-source-range", self.range)
            headers["Range"] = self.range
        for name in CONDITIONS:
            if f"x-ms-source-{name}" in request.headers:
                headers[name] = request.headers[f"x-ms-source-{name}"]
        self.connection = self.connected(parts)
        try:
            self.connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
            self.answer = self.connection.getresponse()
            self.check(limit)
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise _unverified(500, f"The source could not be read: {error!r}")
        except Failure:
            self.connection.close()
            raise

    def connected(self, parts):
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        # The certificates of servers for tests are known to nobody.
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, context=context)

    def check(self, limit):
        status = self.answer.status
        if status in (304, 412):
            raise Failure(412, "SourceConditionNotMet")
        if status not in (200, 206):
            raise _unverified(status if 400 <= status < 500 else 500, self.answer.reason, self.answer.getheader("x-ms-error-code"))
        if self.range is not None:
            first, last = (int(text) for text in self.range.removeprefix("bytes=").split("-"))
            if status == 200 or self.answer.length not in (None, last - first + 1):
                raise _unverified(416 if status == 206 else 400, "The source did not answer with the range.")
        if self.answer.length is None:
            raise _unverified(411, "The source does not say how long it is.")
        if self.answer.length > limit:
            raise Failure(413, "RequestBodyTooLarge")

    def into(self, directory, *digests):
        sink = Sink(directory, *digests)
        expected = self.answer.length
        try:
            while piece := self.answer.read(512 << 10):
                sink.write(piece)
        except (OSError, http.client.HTTPException) as error:
            raise _unverified(500, f"The source broke off: {error!r}")
        finally:
            self.connection.close()
        if sink.length != expected:
            raise _unverified(500, "The source broke off.")
        return sink.content()


class Copying:
    def __init__(self, blobs):
        self.blobs = blobs

    def put_block(self, request, account, grant, container_name, name):
        container = self.blobs.require_block(request, grant, account, container_name, name)
        _empty(request)
        content, headers = self.read(request, MOST_BLOCK)
        self.blobs.keep_block(request, account, container, name, content)
        return Response(201, headers | {"x-ms-request-server-encrypted": "true"})

    def read(self, request, limit):
        md5_wanted, crc64_wanted = (request.headers.get(f"x-ms-source-content-{kind}") for kind in ("md5", "crc64"))
        md5, crc64 = MD5() if md5_wanted is not None else None, CRC64()
        if md5_wanted is not None:
            digest(md5_wanted, 16, "x-ms-source-content-md5")
        content = Source(request, limit).into(self.blobs.directory, *(part for part in (md5, crc64) if part is not None))
        if md5_wanted not in (None, md5 and md5.base64()):
            raise Failure(400, "Md5Mismatch")
        if crc64_wanted not in (None, crc64.base64()):
            raise Failure(400, "Crc64Mismatch")
        return content, {"Content-MD5": md5_wanted} if md5_wanted is not None else {"x-ms-content-crc64": crc64.base64()}

    def put_blob(self, request, account, grant, container_name, name):
        """Put Blob From URL: from anywhere, as large as a blob may be that comes in one request."""
        container = self.blobs.require_writing(grant, account, container_name, name)
        if request.headers["x-ms-blob-type"] != "BlockBlob":
            raise bad_header("x-ms-blob-type", request.headers["x-ms-blob-type"])
        _empty(request)
        conditions.check(request, container.blobs.get(name))
        source = Source(request, MOST_BLOB)
        properties, metadata = self.described(request, source)
        wanted, md5 = request.headers.get("x-ms-source-content-md5"), MD5()
        content = source.into(self.blobs.directory, md5)
        if wanted not in (None, md5.base64()):
            raise Failure(400, "Md5Mismatch")
        properties["Content-MD5"] = md5.base64()
        blob = Blob(content, [], properties, metadata, request.now)
        self.blobs.publish(request, account, container, name, blob)
        return Response(201, versioned(blob) | {"Content-MD5": md5.base64(), "x-ms-request-server-encrypted": "true"})

    def described(self, request, source):
        """Properties and metadata: the request's, and where it has none and does not refuse them the source's."""
        properties, metadata = properties_of(request), metadata_of(request)
        if request.headers.get("x-ms-copy-source-blob-properties", "true").lower() == "true":
            answer = {name: source.answer.getheader(name) for name in PROPERTIES if name != "Content-MD5" and source.answer.getheader(name)}
            properties = answer | {name: value for name, value in properties.items() if f"x-ms-blob-{name.lower()}" in request.headers}
            properties.setdefault("Content-Type", "application/octet-stream")
        if not metadata:
            prefix = "x-ms-meta-"
            metadata = {name.lower().removeprefix(prefix): value for name, value in source.answer.getheaders() if name.lower().startswith(prefix)}
        return properties, metadata

    def copy(self, request, account, grant, container_name, name):
        """Copy Blob, at once as the service does within an account, and Copy Blob From URL: both from this service alone."""
        container = self.blobs.require_writing(grant, account, container_name, name)
        _empty(request)
        synchronous = request.headers.get("x-ms-requires-sync", "").lower() == "true"
        own = self.own(request, account, grant) if not synchronous else None
        if own is not None:
            blob = Blob(own.content, own.blocks, dict(own.properties), metadata_of(request) or dict(own.metadata), request.now)
        else:
            if urlsplit(request.headers["x-ms-copy-source"]).netloc != request.host:
                raise _unverified(400, "The source is not a blob of this service.")
            source = Source(request, MOST_SYNCHRONOUS if synchronous else MOST_BLOB)
            if source.answer.length == 0 and synchronous:
                raise _unverified(400, "The source is empty.")
            properties, metadata = self.described(request, source)
            md5 = MD5()
            content = source.into(self.blobs.directory, md5)
            if request.headers.get("x-ms-source-content-md5") not in (None, md5.base64()):
                raise Failure(400, "Md5Mismatch")
            blob = Blob(content, [], properties | {"Content-MD5": md5.base64()}, metadata, request.now)
        copy = {"x-ms-copy-id": secrets.token_hex(16), "x-ms-copy-status": "success"}
        blob.copy = copy | {
            "x-ms-copy-source": request.headers["x-ms-copy-source"].partition("?")[0], "x-ms-copy-completion-time": http_date(request.now),
            "x-ms-copy-progress": f"{blob.content.length}/{blob.content.length}",
        }
        self.blobs.publish(request, account, container, name, blob)
        return Response(202, versioned(blob) | copy)

    def own(self, request, account, grant):
        """The source, where it is in the same account, whose key the request has."""
        parts = urlsplit(request.headers["x-ms-copy-source"])
        path = parts.path.removeprefix(f"/{account.name}/")
        if grant.kind != "key" or parts.netloc != request.host or path == parts.path or parts.query:
            return None
        container, _, name = path.partition("/")
        blob = account.containers[container].blobs.get(unquote(name)) if container in account.containers else None
        if blob is None:
            raise _unverified(404, "The specified blob does not exist.")
        match = request.headers.get("x-ms-source-if-match")
        if match is not None and match.strip('"') != blob.etag:
            raise Failure(412, "SourceConditionNotMet")
        return blob


def _empty(request):
    if request.body.length != 0:
        raise bad_header("Content-Length", str(request.body.length))
    if "x-ms-copy-source" not in request.headers:
        raise missing_header("x-ms-copy-source")


def _unverified(status, message, code=None):
    """`code` is what the source said, where it is this service."""
    about = {"x-ms-copy-source-status-code": str(status), "x-ms-copy-source-error-code": code}
    more = f"<CopySourceStatusCode>{status}</CopySourceStatusCode>" + (f"<CopySourceErrorCode>{code}</CopySourceErrorCode>" if code else "")
    more += f"<CopySourceErrorMessage>{escape(str(message))}</CopySourceErrorMessage>"
    return Failure(status, "CannotVerifyCopySource", str(message), about, more)
