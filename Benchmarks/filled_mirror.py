"""cloud-mirror whose state says that very many objects are there."""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from mirror import Mirror
from nginx import await_answer
from process import start, stop
from settings import DATA, say

# With the number, 100 bytes.
ORIGIN = "https://artifacts.example.org"
BEFORE, BEHIND = f"{ORIGIN}/pool/main/libf/libfoobar/libfoobar-dev_1.2.3-4ubuntu/", "-amd64.deb"


def url(number: int) -> str:
    return f"{BEFORE}{number:07}{BEHIND}"


def digest(number: int) -> str:
    """Of the URL: the first part of the object's key, and its place in the order of listings."""
    return hashlib.sha256(url(number).encode()).hexdigest()


class FilledMirror(Mirror):
    """One with a public bucket as its pool, whose state says that so many objects are there. Nobody looks for these."""

    pool = "s3/eu-central-1"

    def __init__(self, name: str, count: int, on_cores: list[int] | None = None):
        self.count = count
        super().__init__(name, ORIGIN, on_cores)
        self.state = self.state_directory / "state.sqlite"

    def settings(self) -> str:
        return ("{bucket: mirror-pool, endpoint: \"http://127.0.0.1:9\", region: eu-central-1, addressing: path, access: public, "
                "credentials: {accessKeyID: none, secretAccessKey: \"none\"}}")

    def __enter__(self) -> "FilledMirror":
        # Makes the tables.
        self.launch()
        await_answer(self.port, "/healthz", self.process, self.log, status=200)
        self.end()
        fill(self.state, self.pool, self.count)
        self.begin()
        return self

    def begin(self) -> None:
        self.process = start(self.command(), self.log, self.on_cores)
        await_answer(self.port, "/healthz", self.process, self.log, status=200)

    def end(self) -> None:
        stop(self.process, patience=60)

    def numbered_paths(self, order: str, count: int, first: int = 0) -> Path:
        """For numbered_redirects.lua: the routes of the first artifacts, at random or in turn."""
        paths = DATA / f"numbered-{order}.txt"
        encoded = [quote(part, safe="") for part in (BEFORE, BEHIND)]
        paths.write_text(f"/v1/redirect/{self.pool}/{encoded[0]}\n{encoded[1]}\n{order}\n{count}\n{first}\n", encoding="ascii")
        return paths


def fill(state: Path, pool: str, count: int) -> None:
    """Writes replicas as they are after a copy. Nothing else may use the file."""
    say(f"  filling the state with {count:,} replicas")
    now = int(time.time() * 1000)

    def rows() -> Iterator[tuple]:
        for number in range(count):
            hashed = digest(number)
            yield pool, hashed, url(number), 2, number, hashed, now, now

    with contextlib.closing(sqlite3.connect(state, isolation_level=None)) as database:
        # Without a log, and each index written at once: otherwise ten million rows take an hour.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            database.execute(f"PRAGMA {pragma}").fetchall()
        indexes = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'replicas' AND sql IS NOT NULL").fetchall()
        database.execute("BEGIN")
        for name, _ in indexes:
            database.execute(f"DROP INDEX {name}")
        database.executemany(
            "INSERT INTO replicas (pool, hash, url, status, size, sha256, stored_at, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows())
        for _, definition in indexes:
            database.execute(definition)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL").fetchall()
