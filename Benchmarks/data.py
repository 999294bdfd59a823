"""The bytes that are copied, and the origin that has them."""

import os
import shutil
import time
from pathlib import Path

from nginx import Nginx
from settings import DATA, MIB, Settings, say


def need(size: int, folder: Path = DATA) -> None:
    """Refuses to begin what would fill the disk, or the file system of another folder."""
    free = shutil.disk_usage(folder).free
    if free < size + (1 << 30):
        raise RuntimeError(f"{(size >> 20):,} MiB are needed in {folder}, and {(free >> 20):,} are free")


def settle(settings: Settings) -> None:
    """Waits until files that were deleted before slow down nothing any longer.

    ext4 without a journal, as many machines in clouds have it for data that may be lost, passes over inodes that were deleted within the last minute
    (five minutes while their block is not on the disk), and looks at each of them whenever a file is created (fs/ext4/ialloc.c, `recently_deleted`).
    """
    if settings.settle_seconds:
        say(f"  waiting for {settings.settle_seconds} s until the disk has forgotten what was deleted")
        os.sync()
        time.sleep(settings.settle_seconds)


def random_file(size: int) -> Path:
    """A file of random bytes, made once, read once more so that it is in memory and no disk is measured."""
    path = DATA / "origin" / f"{size}.bin"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            left = size
            while left:
                file.write(os.urandom(min(left, 8 * MIB)))
                left = size - file.tell()
    with open(path, "rb") as file:
        while file.read(8 * MIB):
            pass
    return path


def origin(name: str, listing: bool = False) -> Nginx:
    """Serves each file of random_file under any number of names: /ANYTHING/SIZE.bin. With `listing`, it lists directories as well."""
    folder = DATA / "origin"
    folder.mkdir(parents=True, exist_ok=True)
    # The first segment makes the artifact's name unique, the rest is the file.
    index = "autoindex on;" if listing else ""
    return Nginx(name, f"root {folder}; {index} location / {{ rewrite ^/[^/]+/(.*)$ /$1 break; }}")
