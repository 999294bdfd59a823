"""The Python index of scripts/cloud-servers: as far away as a public one, and with as many projects as wanted."""

import json
import random
import re
import urllib.request

from scripted_server import ScriptedServer

# Seconds until an origin on another continent answers.
DISTANCE = 0.05


class PackageServers(ScriptedServer):
    """`app` needs all other projects."""

    script = "package-servers.py"

    def __init__(self, name: str, projects: int):
        super().__init__(f"packages-{name}")
        self.projects = projects
        self.urls: dict[str, str] = {}

    def prepare(self) -> None:
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in self.listening(ports_in).items()}
        sizes = random.Random(1)
        names = [f"needed-{number}" for number in range(self.projects)]
        for name in names:
            # As those of public wheels are: many small ones, a few large ones.
            self._control("python", "add", {"project": name, "requires": [], "size": int(10 ** sizes.uniform(3.5, 6.7))})
        self._control("python", "add", {"project": "app", "requires": names, "size": 1_000})
        for host in ("python", "files"):
            self._control(host, "rules", {"delay": DISTANCE})

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

    def _control(self, host: str, action: str, question: dict) -> None:
        request = urllib.request.Request(f"{self.urls[host]}/_control/{action}", json.dumps(question).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()


def ports_in(log: str) -> dict[str, str] | None:
    """The ports by name that the servers say in their log, once the line is whole."""
    found = re.search(r"^listening on ((?:\w+=\d+ ?)+)\n", log, re.MULTILINE)
    return dict(word.split("=") for word in found.group(1).split()) if found else None
