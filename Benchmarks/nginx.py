"""nginx on loopback: the origin that is copied from, and the peer that redirects and serves."""

import http.client
import os
import ssl
import subprocess
import time
from pathlib import Path

from process import free_port, start, stop
from settings import LOGS

_CONFIGURATION = """
{user}
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/error.log warn;
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    default_type application/octet-stream;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port}{listen};
        {server}
    }}
}}
"""


class Nginx:
    """One nginx with one worker, as a context manager. `http` and `server` go into these blocks of its configuration, `listen` behind its address."""

    def __init__(self, name: str, server: str, http: str = "", on_cores: list[int] | None = None, connections: int = 2048, listen: str = ""):
        self.scheme = "https" if "ssl" in listen else "http"
        self.work = LOGS / f"nginx-{name}"
        self.port = free_port()
        self.on_cores = on_cores
        self.work.mkdir(parents=True, exist_ok=True)
        self.configuration = self.work / "nginx.conf"
        # Started by root, the worker would otherwise be nobody, who may not read the data.
        user = "user root;" if os.getuid() == 0 else ""
        self.configuration.write_text(
            _CONFIGURATION.format(
                user=user, work=self.work, port=self.port, http=http, server=server, connections=connections,
                listen=f" {listen}" if listen else "",
                files=max(8192, connections + 1024)), encoding="utf-8")

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def launch(self) -> None:
        self.process = start(
            ["nginx", "-c", self.configuration, "-p", self.work, "-g", "daemon off;"], self.work / "output.log", self.on_cores)

    def __enter__(self) -> "Nginx":
        self.launch()
        await_answer(self.port, "/", self.process, self.work / "error.log")
        return self

    def __exit__(self, *_) -> None:
        stop(self.process)


def await_answer(
    port: int, path: str, process: subprocess.Popen, log: Path, status: int | None = None, timeout: float = 60, context: ssl.SSLContext | None = None,
) -> None:
    """Returns when the server answers (with this status, if one is given). With a context over TLS."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it answered, see {log}")
        try:
            if context:
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
            else:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            answer = connection.getresponse().status
            connection.close()
            if status is None or answer == status:
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError(f"no answer from port {port} within {timeout:.0f} s, see {log}")
