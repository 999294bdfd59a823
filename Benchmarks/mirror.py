"""cloud-mirror under measurement: the executable that users run, with a configuration file, on loopback."""

import hashlib
import http.client
import json
import os
import secrets
import signal
import time
from urllib.parse import quote, urlsplit, urlunsplit

from nginx import await_answer
from process import free_port, start, stop
from settings import DATA, LOGS

POOL = "local/dev"

_CONFIGURATION = """
listen: 127.0.0.1:{port}
stateDirectory: {state}
admin: {{tokens: ["{token}"]}}
origins:
  allow: ["{origin}/"]
  requireHTTPS: false
  allowAddresses: [127.0.0.0/8]
{origins}
pools:
  {pool}: {settings}
{sections}
"""


class Mirror:
    """One cloud-mirror with one local pool, its state and pool new, as a context manager."""

    pool = POOL
    scheme = "http"

    def __init__(self, name: str, origin: str, on_cores: list[int] | None = None):
        self.executable = os.environ["CLOUD_MIRROR_EXECUTABLE"]
        self.port = free_port()
        self.on_cores = on_cores
        self.token = secrets.token_hex(24)
        self.log = LOGS / f"cloud-mirror-{name}.log"
        self.directory = DATA / f"pool-{name}"
        self.state_directory = DATA / f"state-{name}"
        for folder in (self.directory, self.state_directory):
            folder.mkdir(parents=True)
        self.configuration = DATA / f"cloud-mirror-{name}.yaml"
        self.configuration.write_text(
            _CONFIGURATION.format(
                port=self.port, state=self.state_directory, token=self.token, origin=origin, origins=self.origins(), pool=self.pool,
                settings=self.settings(), sections=self.sections()),
            encoding="utf-8")

    def origins(self) -> str:
        """More lines for `origins`."""
        return ""

    def settings(self) -> str:
        """What the configuration says about the pool."""
        return f"{{directory: {self.directory}}}"

    def sections(self) -> str:
        """More sections of the configuration."""
        return ""

    def command(self) -> list:
        """What is started."""
        return [self.executable, "serve", "--config", self.configuration]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def launch(self) -> None:
        self.process = start(self.command(), self.log, self.on_cores)

    def __enter__(self) -> "Mirror":
        self.launch()
        await_answer(self.port, "/readyz", self.process, self.log, status=200)
        return self

    def __exit__(self, failure, *_) -> None:
        stop(self.process, patience=60)
        # Whether it was asked to end by then or not: a server that crashed has no figures.
        if failure is None and self.process.returncode not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
            raise RuntimeError(f"the server ended with {self.process.returncode}, see {self.log}")

    @classmethod
    def path(cls, url: str) -> str:
        """The route that redirects to the copy of an artifact."""
        return f"/v1/redirect/{cls.pool}/{quote(url, safe='')}"

    @classmethod
    def is_copy(cls, location: str) -> bool:
        """Whether a redirect leads to the copy, not back to the origin."""
        return urlsplit(location).path.startswith(f"/{cls.pool}/")

    def connect(self, timeout: float = 120) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def redirect(self, connection: http.client.HTTPConnection, url: str) -> tuple[int, str]:
        """Status and Location of one request."""
        connection.request("GET", self.path(url))
        response = connection.getresponse()
        response.read()
        return response.status, response.headers.get("Location", "")

    def copied(self, url: str, patience: float = 600) -> tuple[str, int]:
        """Asks until the redirect leads to the copy. Returns where it is, and how many requests it took: more than one, when a request
        waited as long as it is allowed to and was sent to the origin."""
        connection, deadline, requests = self.connect(), time.monotonic() + patience, 0
        try:
            while time.monotonic() < deadline:
                requests += 1
                status, location = self.redirect(connection, url)
                if status != 302:
                    raise RuntimeError(f"{status} instead of a redirect for {url}, see {self.log}")
                if self.is_copy(location):
                    return location, requests
        finally:
            connection.close()
        raise TimeoutError(f"no copy of {url} within {patience:.0f} s, see {self.log}")

    def warm(self, urls: list[str]) -> None:
        """Queues copies of these artifacts."""
        body = json.dumps({"urls": urls, "pools": [self.pool]})
        self._admin("POST", "/v1/warm", body)

    def purge(self, url: str) -> None:
        self._admin("DELETE", f"/v1/purge/{self.pool}/{quote(url, safe='')}")

    def _admin(self, method: str, path: str, body: str | None = None) -> None:
        connection = self.connect()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.read().decode(errors="replace")
        connection.close()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path[:60]} answered {response.status}: {answer[:300]}")

    def metric(self, name: str) -> float:
        """A metric's value, all its labels together."""
        connection = self.connect()
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {self.token}"})
        text = connection.getresponse().read().decode()
        connection.close()
        return sum_of_metric(text, name)

    def sha256(self, location: str) -> str | None:
        """The digest of what is served there, or nothing when nothing is."""
        url = urlsplit(location)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
        connection.request("GET", urlunsplit(("", "", url.path, url.query, "")))
        response = connection.getresponse()
        digest = hashlib.sha256()
        while chunk := response.read(1 << 20):
            digest.update(chunk)
        connection.close()
        # An object that is gone is asked for again, by a redirect.
        if response.status in (302, 404):
            return None
        if response.status != 200:
            raise RuntimeError(f"{response.status} for {location}, see {self.log}")
        return digest.hexdigest()


def sum_of_metric(text: str, name: str) -> float:
    """Adds up the samples of one name in Prometheus's text format."""
    samples = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(sample.rpartition(" ")[2]) for sample in samples)
