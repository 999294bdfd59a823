"""The servers of scripts/cloud-servers, which play services."""

import os
import shutil
import subprocess
from typing import Any, Callable

from process import await_listening, start, stop
from settings import DATA, LOGS, ROOT


class ScriptedServer:
    """One of them, as a context manager."""

    # Of scripts/cloud-servers.
    script = ""
    process: subprocess.Popen

    def __init__(self, name: str):
        # The server makes it.
        self.directory = DATA / name
        self.log = LOGS / f"{name}.log"

    def arguments(self) -> list[str]:
        """What the server is started with, behind its directory."""
        return []

    def prepare(self) -> None:
        """What has to be done before it is used."""
        raise NotImplementedError

    def listening(self, read: Callable[[str], Any]) -> Any:
        """What `read` finds in the log once the server says there where it listens."""
        return await_listening(self.process, self.log, read, self.script)

    def __enter__(self):
        script = ROOT / "scripts" / "cloud-servers" / self.script
        self.process = start([os.environ["CLOUD_SERVERS_PYTHON"], "-B", script, self.directory, *self.arguments()], self.log)
        try:
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        stop(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)
