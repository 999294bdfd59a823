"""Caches of a Python index: ours and the peers, each new and empty as a context manager, with the index that clients are told."""

import base64
import http.client
import json
import shutil
import subprocess
from pathlib import Path

from mirror import Mirror
from nginx import await_answer
from package_servers import PackageServers
from process import free_port, start, stop
from settings import DATA, LOGS


class OurCache(Mirror):
    title = "cloud-mirror"

    def __init__(self, name: str, servers: PackageServers):
        self.servers = servers
        super().__init__(name, servers.urls["files"])

    def origins(self) -> str:
        python, files = self.servers.urls["python"], self.servers.urls["files"]
        return f'  named: {{pip: {{url: "{python}/", preset: python, links: ["{files}/"]}}}}'

    @property
    def index(self) -> str:
        return f"{self.base}/o/pip/simple/"


class NoCache:
    """Clients ask the origin."""

    title = "none"

    def __init__(self, _: str, servers: PackageServers):
        self.index = servers.index
        self.pid = servers.process.pid

    def __enter__(self) -> "NoCache":
        return self

    def __exit__(self, *_) -> None:
        pass


class Peer:
    """A server of a peer with a directory of its own."""

    title = ""
    # What is answered as soon as it serves.
    ready = "/"

    def __init__(self, name: str, servers: PackageServers):
        self.servers = servers
        self.port = free_port()
        self.directory = DATA / f"{self.title}-{name}"
        self.log = LOGS / f"{self.title}-{name}.log"

    @property
    def pid(self) -> int:
        return self.process.pid

    def command(self) -> list:
        raise NotImplementedError

    def prepare(self) -> None:
        """Before it starts."""

    def complete(self) -> None:
        """Once it answers."""

    def __enter__(self) -> "Peer":
        self.directory.mkdir(parents=True)
        self.prepare()
        self.process = start(self.command(), self.log)
        try:
            await_answer(self.port, self.ready, self.process, self.log)
            self.complete()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        stop(self.process, patience=30)
        shutil.rmtree(self.directory, ignore_errors=True)


class Peryx(Peer):
    title = "peryx"
    ready = "/+status"

    @property
    def index(self) -> str:
        return f"http://127.0.0.1:{self.port}/pip/simple/"

    def prepare(self) -> None:
        index = f'[[index]]\nname = "pip"\necosystem = "pypi"\n[[index.upstream]]\nname = "origin"\nurl = "{self.servers.index}"\n'
        self.configuration().write_text(index, encoding="utf-8")

    def configuration(self) -> Path:
        return self.directory / "peryx.toml"

    def command(self) -> list:
        data = self.directory / "data"
        return ["peryx", "serve", "--config", self.configuration(), "--port", self.port, "--data-dir", data]


class Devpi(Peer):
    title = "devpi"
    ready = "/+api"
    # The user that there is from the beginning.
    user = "root"

    @property
    def index(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.user}/pip/+simple/"

    def prepare(self) -> None:
        with open(self.log, "ab") as log:
            subprocess.run(["devpi-init", "--serverdir", self.directory, "--no-root-pypi"], check=True, stdout=log, stderr=log)

    def command(self) -> list:
        return ["devpi-server", "--serverdir", self.directory, "--host", "127.0.0.1", "--port", self.port]

    def complete(self) -> None:
        token = self.call("POST", "/+login", {"user": self.user, "password": ""}, {})["result"]["password"]
        credentials = base64.b64encode(f"{self.user}:{token}".encode()).decode()
        settings = {"type": "mirror", "mirror_url": self.servers.index, "volatile": False}
        self.call("PUT", f"/{self.user}/pip", settings, {"X-Devpi-Auth": credentials})

    def call(self, method: str, path: str, body: dict, headers: dict) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", "Accept": "application/json", **headers})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"devpi answered {answer.status} to {method} {path}: {data[:300]}, see {self.log}")
        return json.loads(data)


CACHES = [OurCache, Peryx, Devpi, NoCache]
