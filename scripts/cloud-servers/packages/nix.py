"""A cache of Nix with one path, without signatures. `GET /path` is not of the protocol: it names that path."""

import hashlib
import lzma
import struct

from .answers import file, missing, page
from .archives import noise
from .host import Host

ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"


def base32(data):
    """Nix's own: from the last bits to the first."""
    number = int.from_bytes(data, "little")
    return "".join(ALPHABET[number >> 5 * index & 31] for index in range((len(data) * 8 + 4) // 5 - 1, -1, -1))


def archive(content):
    """A Nix archive of one regular file."""

    def text(value):
        return struct.pack("<Q", len(value)) + value + b"\0" * (-len(value) % 8)

    return b"".join(map(text, [b"nix-archive-1", b"(", b"type", b"regular", b"contents", content, b")"]))


class Nix(Host):
    def __init__(self, world):
        super().__init__(world)
        nar = archive(noise(50_000, 9))
        self.nar = lzma.compress(nar)
        self.name = base32(hashlib.sha256(b"mirror").digest()[:20])
        self.path = f"/nix/store/{self.name}-mirror"
        file_hash = base32(hashlib.sha256(self.nar).digest())
        self.url = f"nar/{file_hash}.nar.xz"
        lines = [f"StorePath: {self.path}", f"URL: {self.url}", "Compression: xz", f"FileHash: sha256:{file_hash}", f"FileSize: {len(self.nar)}"]
        lines += [f"NarHash: sha256:{base32(hashlib.sha256(nar).digest())}", f"NarSize: {len(nar)}", "References: "]
        self.info = "\n".join([*lines, ""]).encode()

    def get(self, request, path):
        match path:
            case ["nix-cache-info"]:
                return page(request, b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n", "text/x-nix-cache-info")
            case [name] if name == f"{self.name}.narinfo":
                return page(request, self.info, "text/x-nix-narinfo")
            case ["path"]:
                return page(request, self.path.encode(), "text/plain")
        return file(request, self.nar, "application/x-nix-nar") if "/".join(path) == self.url else missing("404")
