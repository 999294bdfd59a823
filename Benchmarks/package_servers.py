"""The Python index of scripts/cloud-servers: as far away as a public one, and with as many projects as wanted."""

import json
import os
import random
import re
import shutil
import time
import urllib.request

from process import start, stop
from settings import DATA, LOGS, ROOT

# Seconds until an origin on another continent answers.
DISTANCE = 0.05


class PackageServers:
    """As a context manager. `app` needs all other projects."""

    def __init__(self, name: str, projects: int):
        self.directory = DATA / f"packages-{name}"
        self.log = LOGS / f"packages-{name}.log"
        self.projects = projects
        self.urls: dict[str, str] = {}

    def __enter__(self) -> "PackageServers":
        self.process = start([os.environ["CLOUD_SERVERS_PYTHON"], "-B", ROOT / "scripts/cloud-servers/package-servers.py", self.directory], self.log)
        try:
            self._await_ports()
            sizes = random.Random(1)
            names = [f"needed-{number}" for number in range(self.projects)]
            for name in names:
                # As those of public wheels are: many small ones, a few large ones.
                self._control("python", "add", {"project": name, "requires": [], "size": int(10 ** sizes.uniform(3.5, 6.7))})
            self._control("python", "add", {"project": "app", "requires": names, "size": 1_000})
            for host in ("python", "files"):
                self._control(host, "rules", {"delay": DISTANCE})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        stop(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def index(self) -> str:
        return f"{self.urls['python']}/simple/"

    def add(self, project: str, versions: int) -> None:
        """A project of many small wheels."""
        self._control("python", "add", {"project": project, "requires": [], "size": 10, "versions": versions})

    def asked(self) -> int:
        """Requests for files so far."""
        with urllib.request.urlopen(f"{self.urls['files']}/_control/requests", timeout=30) as answer:
            return len(json.load(answer))

    def _await_ports(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the package servers ended with {self.process.returncode} before they listened, see {self.log}")
            if ports := ports_in(self.log.read_text(encoding="utf-8")):
                self.urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
                return
            time.sleep(0.05)
        raise TimeoutError(f"the package servers did not listen within 30 s, see {self.log}")

    def _control(self, host: str, action: str, question: dict) -> None:
        request = urllib.request.Request(f"{self.urls[host]}/_control/{action}", json.dumps(question).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()


def ports_in(log: str) -> dict[str, str] | None:
    """The ports by name that the servers say in their log, once the line is whole."""
    found = re.search(r"^listening on ((?:\w+=\d+ ?)+)\n", log, re.MULTILINE)
    return dict(word.split("=") for word in found.group(1).split()) if found else None
