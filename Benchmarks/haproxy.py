"""HAProxy on loopback: a peer that redirects."""

import os
from pathlib import Path

from nginx import await_answer
from process import free_port, start, stop
from settings import LOGS

_CONFIGURATION = """
global
    nbthread 1
    maxconn 2048
defaults
    mode http
    timeout client 300s
    timeout http-request 60s
    timeout http-keep-alive 300s
frontend redirects
    bind 127.0.0.1:{port}
    http-request set-var(txn.target) path,map_str({table})
    http-request redirect location %[var(txn.target)] code 302 if {{ var(txn.target) -m found }}
    http-request return status 404
"""


class HAProxy:
    """One HAProxy with one thread, as a context manager. It redirects each path in a table, with lines of a path and a location, to that location."""

    scheme = "http"

    def __init__(self, name: str, table: Path, on_cores: list[int] | None = None):
        self.port = free_port()
        self.on_cores = on_cores
        self.log = LOGS / f"haproxy-{name}.log"
        self.configuration = LOGS / f"haproxy-{name}.cfg"
        self.configuration.write_text(_CONFIGURATION.format(port=self.port, table=table), encoding="utf-8")

    @property
    def pid(self) -> int:
        return self.process.pid

    def __enter__(self) -> "HAProxy":
        self.process = start([os.environ.get("HAPROXY_EXECUTABLE", "haproxy"), "-db", "-f", self.configuration], self.log, self.on_cores)
        await_answer(self.port, "/", self.process, self.log, status=404)
        return self

    def __exit__(self, *_) -> None:
        stop(self.process)
