"""Redirects to artifacts that are there, over TLS, against nginx with the same certificate: on connections that stay open, and on new ones."""

import http.client
import os
import socket
import ssl
import statistics
import subprocess
from contextlib import suppress
from pathlib import Path

from hot import Rounds, artifacts, nginx_map, note_cores, paths_file, tiny_origin, warmed
from mirror import Mirror
from nginx import await_answer
from process import cpu_seconds
from settings import DATA, Settings, cores, say
from table import Row, spread


class TLSMirror(Mirror):
    """One that speaks TLS."""

    scheme = "https"

    def __init__(self, name: str, origin: str, certificate: Path, key: Path, on_cores: list[int] | None = None):
        self.certificate, self.key = certificate, key
        super().__init__(name, origin, on_cores)

    def sections(self) -> str:
        return f"tls: {{certificate: {self.certificate}, key: {self.key}}}\n"

    def __enter__(self) -> "TLSMirror":
        self.launch()
        await_answer(self.port, "/readyz", self.process, self.log, status=200, context=any_certificate())
        return self

    def connect(self, timeout: float = 120) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=any_certificate())


def any_certificate() -> ssl.SSLContext:
    """For a client that believes every server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def new_certificate() -> tuple[Path, Path]:
    """A certificate for this machine, with a key on the curve P-256, and its key."""
    certificate, key = DATA / "certificate.pem", DATA / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60)
    return certificate, key


def run(settings: Settings) -> list[Row]:
    server_cores, _ = cores()
    certificate, key = new_certificate()
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:sessions:16m;"
    with tiny_origin("tls-origin") as origin, TLSMirror("tls", origin.base, certificate, key, server_cores) as mirror:
        urls = artifacts(origin, settings.artifacts)
        locations = warmed(mirror, urls)
        with nginx_map(mirror, urls, locations, server_cores, http=tls, listen="ssl") as peer:
            servers = {"cloud-mirror": (mirror, paths_file(mirror, urls)), "nginx": (peer, paths_file(mirror, urls))}
            rows = [_kept(Rounds(settings, servers, connections), connections) for connections in settings.connections]
            rows += [_new(settings, servers, is_resumed) for is_resumed in (True, False)]
    note_cores()
    return rows


def _kept(rounds: Rounds, connections: int) -> Row:
    def both(attribute: str) -> tuple[float, float]:
        return rounds.both("cloud-mirror", "nginx", attribute)

    ours, peer = both("requests_per_second")
    say(f"  {connections} connections: {ours:,.0f} against {peer:,.0f} requests/s")
    return Row(
        "tls-redirect", f"requests/s over TLS, {connections} connections, one core", ours, "nginx, 302 from a map", peer,
        cpu=both("cpu_us"), cpu_unit="us/request", p99=both("p99_ms"), memory=both("rss_mib"), spread=rounds.spread("cloud-mirror", "nginx"),
        budget="at least nginx", met=ours >= peer)


def _new(settings: Settings, servers: dict[str, tuple], is_resumed: bool) -> Row:
    """The client is slower than the servers, so what counts is what a connection costs them."""
    seen = {name: [] for name in servers}
    for _ in range(settings.rounds):
        for name, (server, paths) in servers.items():
            before = cpu_seconds(server.pid)
            count = settings.tls_connections
            connect(server.port, paths, count, is_resumed)
            seen[name].append((cpu_seconds(server.pid) - before) / count * 1e6)
    ours, peer = (statistics.median(seen[name]) for name in ("cloud-mirror", "nginx"))
    how = "resumed" if is_resumed else "full"
    say(f"  a new connection, {how} handshake: {ours:,.0f} against {peer:,.0f} us")
    return Row(
        "tls-redirect", f"CPU of a new TLS connection with one request, {how} handshake, us", ours, "nginx, 302 from a map", peer,
        higher_is_better=False, spread=(spread(seen["cloud-mirror"]), spread(seen["nginx"])), budget="at most nginx", met=ours <= peer)


def connect(port: int, paths: Path, count: int, is_resumed: bool) -> None:
    """Asks once on each of so many connections, from the core of the load."""
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores()[1])
    try:
        path = paths.read_text(encoding="ascii").split("\n", 1)[0]
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        context, session = any_certificate(), None
        for number in range(count):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as plain, context.wrap_socket(plain, session=session) as secure:
                # As curl and most libraries do.
                secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                secure.sendall(request)
                answer = b""
                # Some servers end the connection without saying so in TLS.
                with suppress(ssl.SSLEOFError, ConnectionResetError):
                    while part := secure.recv(65_536):
                        answer += part
                if not answer.startswith(b"HTTP/1.1 302 "):
                    raise RuntimeError(f"not a redirect on connection {number}: {answer[:60]!r}")
                if secure.session_reused != (session is not None):
                    raise RuntimeError(f"the session of connection {number} was {'not ' if session else ''}resumed")
                if is_resumed:
                    session = secure.session
    finally:
        os.sched_setaffinity(0, everything)
