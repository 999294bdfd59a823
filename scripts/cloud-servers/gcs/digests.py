"""CRC32C and MD5, as Google writes them: base64 of the big-endian value."""

import base64
import hashlib

import google_crc32c

from .errors import digest_differs, invalid

_POLYNOMIAL = 0x82F63B78  # of CRC32C, with its bits in reverse order


class Digests:
    """Of bytes that come one after the other."""

    def __init__(self):
        self._crc32c = google_crc32c.Checksum()
        self._md5 = hashlib.md5()

    def update(self, data):
        self._crc32c.update(bytes(data) if isinstance(data, (bytearray, memoryview)) else data)
        self._md5.update(data)

    @property
    def crc32c(self):
        return base64.b64encode(self._crc32c.digest()).decode()

    @property
    def md5(self):
        return base64.b64encode(self._md5.digest()).decode()

    def check(self, wanted):
        """`wanted` has what the client says they are, under "crc32c" and "md5Hash"."""
        for name, kind, computed in (("crc32c", "CRC32C", self.crc32c), ("md5Hash", "MD5 hash", self.md5)):
            given = wanted.get(name)
            if given is not None and given != computed:
                raise digest_differs(kind, given, computed)


def in_headers(headers):
    """What x-goog-hash and Content-MD5 say, under the names of the JSON API."""
    wanted = {}
    for part in headers.get("x-goog-hash", "").split(","):
        kind, equals, value = part.strip().partition("=")
        if kind == "":
            continue
        if kind not in ("crc32c", "md5") or not equals or not _is_digest(value, 4 if kind == "crc32c" else 16):
            raise invalid("Invalid x-goog-hash", "InvalidDigest")
        wanted["crc32c" if kind == "crc32c" else "md5Hash"] = value
    if "content-md5" in headers:
        if not _is_digest(headers["content-md5"], 16):
            raise invalid("The Content-MD5 you specified was invalid.", "InvalidDigest")
        wanted["md5Hash"] = headers["content-md5"]
    return wanted


def check_body(data, headers):
    """Of a body that is not an object's."""
    found = Digests()
    found.update(data)
    found.check(in_headers(headers))


def _is_digest(text, length):
    try:
        return len(base64.b64decode(text, validate=True)) == length
    except ValueError:
        return False


def joined(parts):
    """The CRC32C of contents that follow each other, of (CRC32C, length) of each."""
    whole = 0
    for crc32c, length in parts:
        whole = _times(whole, _power(8 * length)) ^ int.from_bytes(base64.b64decode(crc32c))
    return base64.b64encode(whole.to_bytes(4)).decode()


def _times(one, other):
    """The product of two polynomials modulo CRC32C's; the highest bit is the lowest power."""
    product = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product


def _power(exponent):
    """x to that power."""
    result, base = 1 << 31, 1 << 30
    while exponent:
        if exponent & 1:
            result = _times(result, base)
        base = _times(base, base)
        exponent >>= 1
    return result
