"""Properties and metadata of blobs, in requests and in answers."""

import base64
import re

from web.messages import http_date

from .accounts import CRC64, MD5
from .errors import Failure, bad_header

# Of a blob, by the names of the answer; in a request they have "x-ms-blob-" before them.
PROPERTIES = ("Content-Type", "Content-Encoding", "Content-Language", "Content-MD5", "Content-Disposition", "Cache-Control")
METADATA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def properties_of(request, plain=False):
    """`plain`: the headers of HTTP itself count, where those of the service are not there."""
    found = {}
    for name in PROPERTIES:
        value = request.headers.get(f"x-ms-blob-{name.lower()}")
        if value is None and plain and name != "Content-MD5" and name != "Content-Disposition":
            value = request.headers.get(name.lower())
        if value:
            found[name] = value
    if "Content-MD5" in found:
        digest(found["Content-MD5"], 16, "x-ms-blob-content-md5")
    found.setdefault("Content-Type", "application/octet-stream")
    return found


def metadata_of(request):
    metadata = {name.removeprefix("x-ms-meta-"): value for name, value in request.headers.items() if name.startswith("x-ms-meta-")}
    for name, value in metadata.items():
        if not METADATA_NAME.fullmatch(name) or not value.isascii():
            raise Failure(400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not permitted.")
    if sum(len(name) + len(value) for name, value in metadata.items()) > 8192:
        raise Failure(400, "MetadataTooLarge", "The size of the specified metadata exceeds the maximum size permitted.")
    return metadata


def digest(text, length, name):
    try:
        if len(base64.b64decode(text, validate=True)) == length:
            return text
    except ValueError:
        pass
    raise bad_header(name, text)


class Received:
    """Computes what the client said that it would send, or what the answer has."""

    def __init__(self, request, always_md5=False):
        headers = request.headers
        self.md5_wanted = headers.get("content-md5")
        self.crc64_wanted = headers.get("x-ms-content-crc64")
        if self.md5_wanted is not None and self.crc64_wanted is not None:
            raise bad_header("x-ms-content-crc64", self.crc64_wanted)
        if "x-ms-structured-body" in headers:
            raise Failure(400, "UnsupportedHeader", "This server for tests knows no structured bodies.")
        if self.md5_wanted is not None:
            digest(self.md5_wanted, 16, "Content-MD5")
        if self.crc64_wanted is not None:
            digest(self.crc64_wanted, 8, "x-ms-content-crc64")
        self.md5 = MD5() if always_md5 or self.md5_wanted is not None else None
        self.crc64 = CRC64()
        self.digests = [part for part in (self.md5, self.crc64) if part is not None]

    def update(self, data):
        for part in self.digests:
            part.update(data)

    def check(self):
        if self.md5_wanted is not None and self.md5_wanted != self.md5.base64():
            raise _mismatch("Md5Mismatch", self.md5_wanted, self.md5.base64())
        if self.crc64_wanted is not None and self.crc64_wanted != self.crc64.base64():
            raise _mismatch("Crc64Mismatch", self.crc64_wanted, self.crc64.base64())

    def headers(self):
        """The answer to a block has one of them, that to a blob both."""
        found = {"Content-MD5": self.md5.base64()} if self.md5 is not None else {}
        return found if self.md5_wanted is not None else found | {"x-ms-content-crc64": self.crc64.base64()}


def _mismatch(code, given, computed):
    kind = code.removesuffix("Mismatch")
    return Failure(400, code, more=f"<UserSpecified{kind}>{given}</UserSpecified{kind}><ServerCalculated{kind}>{computed}</ServerCalculated{kind}>")


def versioned(found):
    return {"ETag": f'"{found.etag}"', "Last-Modified": http_date(found.modified)}


def metadata_headers(metadata):
    return {f"x-ms-meta-{name}": value for name, value in metadata.items()}


def blob_headers(blob):
    return {
        **blob.properties, **versioned(blob), **metadata_headers(blob.metadata), "x-ms-blob-type": "BlockBlob", "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available", "x-ms-creation-time": http_date(blob.created), "x-ms-server-encrypted": "true",
        "x-ms-access-tier": blob.tier or "Hot", "x-ms-access-tier-inferred": None if blob.tier else "true", "Accept-Ranges": "bytes",
        "x-ms-tag-count": str(len(blob.tags)) if blob.tags else None, **(blob.copy or {}),
    }
