"""Which packages the compilers work for while something is built."""

import collections
import os
import re
import threading
from pathlib import Path

from process import TICKS, stat_fields
from settings import ROOT

# How often running processes are looked at. What one does after the last look is not counted.
_SECONDS = 0.1
_COMPILERS = ("swift-frontend", "clang")
OURS = "cloud-mirror"


class Compilers:
    """As a context: counts the processor time of all compilers that run meanwhile, whoever started them."""

    def __init__(self, checkouts: Path) -> None:
        self._checkouts = checkouts
        # The module and the seconds of each process, by its number and its start.
        self._seen: dict[tuple[str, str], tuple[str, float]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Compilers":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()

    def by_package(self) -> list[tuple[str, float]]:
        """Seconds, the most first."""
        # Some packages have their sources beside their manifest.
        packages = {source.name: source.parent.name for source in self._checkouts.glob("*/*")}
        packages |= {source.name: source.parent.parent.name for source in self._checkouts.glob("*/Sources/*")}
        packages |= {source.name: OURS for source in (ROOT / "Sources").iterdir()}
        seconds: collections.Counter = collections.Counter()
        for module, used in self._seen.values():
            seconds[packages.get(module, "others")] += used
        return seconds.most_common()

    def _watch(self) -> None:
        while not self._ended.wait(_SECONDS):
            for process in os.listdir("/proc"):
                if process.isdigit():
                    try:
                        self._look(process)
                    except OSError:
                        # It has ended.
                        continue

    def _look(self, process: str) -> None:
        stat = Path("/proc", process, "stat").read_text()
        fields = stat_fields(stat)
        key = (process, fields[19])
        if key in self._seen:
            module = self._seen[key][0]
        elif stat[stat.index("(") + 1:].startswith(_COMPILERS):
            module = module_of(Path("/proc", process, "cmdline").read_text().split("\0"))
        else:
            return
        self._seen[key] = (module, (int(fields[11]) + int(fields[12])) / TICKS)


def module_of(arguments: list[str]) -> str:
    """The one that a compiler compiles. C's compiler is not told, but writes into the module's folder."""
    if "-module-name" in arguments:
        return arguments[arguments.index("-module-name") + 1]
    folders = re.findall(r"/([^/]+)\.build/", " ".join(arguments))
    return folders[-1] if folders else ""
