"""Directories on the disk in the place of a cloud: the peers copy into one, and the mirror's pool is in another."""

import os
import shutil
import struct
from pathlib import Path

from bucket_mirror import BucketMirror
from bucket_server import ORIGIN_BUCKET, POOL_BUCKET, BucketServer
from settings import DATA


class Directories(BucketServer):
    """Nothing is started."""

    title = "a directory"
    # A copy of ours is on the disk when it is told of.
    has_to_sync = True
    # See `data.settle`.
    keeps_copies = True
    environment = {}

    def __init__(self, name: str):
        self.directory = DATA / f"directories-{name}"
        # rclone knows what is no remote of its own as a path.
        self.remote = f"{self.directory}/"
        # Copies of ours, and how many times those of a peer.
        self._aside: tuple[set[Path], int] = (set(), 0)

    def pool_settings(self) -> str:
        return f"{{directory: {self.directory / POOL_BUCKET}}}"

    def cpu(self) -> float:
        return 0.0

    def sizes(self, bucket: str) -> list[int]:
        copies = [path.stat().st_size for path in (self.directory / bucket / "peer").rglob("*") if path.is_file()]
        return [_object_size(path) for path in self._objects(bucket) - self._aside[0]] + copies

    def empty(self, bucket: str) -> None:
        ours, count = self._aside
        (self.directory / bucket / "peer").rename(self.directory / f"aside-{count}")
        self._aside = (ours, count + 1)

    def set_aside(self, bucket: str) -> None:
        self._aside = (self._objects(bucket), self._aside[1])

    def _objects(self, bucket: str) -> set[Path]:
        return {path for path in (self.directory / bucket / "files").rglob("*") if path.is_file()}

    def small_peers(self, urls: str, downloads: Path) -> dict[str, list]:
        target = self.directory / POOL_BUCKET / "peer"
        return {
            "curl -Z": [
                "curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-max", "16", "--create-dirs", "--output", f"{target}/#1.bin", urls],
        }

    def __enter__(self) -> "Directories":
        for bucket in (POOL_BUCKET, ORIGIN_BUCKET):
            (self.directory / bucket).mkdir(parents=True)
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self.directory)


class DirectoryMirror(BucketMirror):
    """One whose one pool is in such a directory."""

    pool = "local/dev"

    @classmethod
    def is_copy(cls, location: str) -> bool:
        return super(BucketMirror, cls).is_copy(location)


def _object_size(path: Path) -> int:
    """Of an object of ours, without the footer (docs/decisions/0002-local-object-files.md)."""
    with open(path, "rb") as file:
        file.seek(-32, os.SEEK_END)
        return struct.unpack(">Q", file.read(8))[0]
