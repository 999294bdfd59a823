"""Objects of a pool in a directory, written as the mirror writes them."""

import json
import struct
import time
import zlib
from pathlib import Path

from filled_mirror import digest, url
from settings import say

_MAGIC = b"cloud-mirror/1\r\n"
_BYTES = b"x"
# Of a file system for each.
BYTES_EACH = 4_096


def write_objects(pool: Path, count: int) -> None:
    """Writes the objects of the first artifacts."""
    say(f"  writing {count:,} objects")
    now = int(time.time() * 1000)
    folder = pool / "files"
    for prefix in range(256):
        (folder / f"{prefix:02x}").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        hashed, name = digest(number), url(number).rpartition("/")[2]
        with open(folder / hashed[:2] / hashed, "wb", buffering=0) as file:
            file.write(_BYTES + footer(f"{hashed}/{name}", len(_BYTES), hashed, url(number), now))


def footer(key: str, size: int, sha256: str, origin: str, now: int) -> bytes:
    """What stands behind an object's bytes (docs/decisions/0002-local-object-files.md)."""
    document = json.dumps({
        "key": key, "size": size, "sha256": sha256, "lastModified": now, "upstreamURL": origin, "stored": now, "addresses": []}).encode()
    return document + struct.pack(">QII", size, len(document), zlib.crc32(document)) + _MAGIC
