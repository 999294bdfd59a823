"""Figures, and the rows of tables that have them."""

import datetime
import os
import platform
import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from settings import ROOT


@dataclass
class Row:
    """A figure of ours beside a peer's. What is None was not measured or has no meaning there."""

    benchmark: str
    measure: str
    ours: float
    peer_name: str = ""
    peer: float | None = None
    higher_is_better: bool = True
    cpu: tuple[float, float | None] | None = None
    cpu_unit: str = ""
    # The 99th percentile under load; of a few runs the worst.
    p99: tuple[float, float | None] | None = None
    memory: tuple[float, float | None] | None = None
    # How far the rounds are apart, see `spread`.
    spread: tuple[float, float | None] | None = None
    budget: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Above 1, we are better than the peer."""
        if self.peer is None or not self.ours or not self.peer:
            return None
        return self.ours / self.peer if self.higher_is_better else self.peer / self.ours


_HEADINGS = [
    "benchmark", "measure", "cloud-mirror", "peer", "peer's figure", "ratio", "CPU (ours / peer)", "p99 or worst, ms", "RSS MiB", "target", "run",
]
HEAD = ["| " + " | ".join(_HEADINGS) + " |", "|" + "---|" * len(_HEADINGS)]


def line(row: Row, run: str) -> str:
    """A row as text. `run` says when and with what it was measured."""
    verdict = "" if row.met is None else (": met" if row.met else ": **missed**")
    cells = [
        row.benchmark, row.measure, figure(row.ours, row.spread and row.spread[0]), row.peer_name, figure(row.peer, row.spread and row.spread[1]),
        "" if row.ratio is None else f"{row.ratio:.2f}", pair(row.cpu, row.cpu_unit), pair(row.p99), pair(row.memory), row.budget + verdict, run,
    ]
    return "| " + " | ".join(cells) + " |"


def cells_of(text: str) -> list[str]:
    """The cells of a line of a table; none of any other line."""
    return [cell.strip() for cell in text.split("|")[1:-1]] if text.startswith("| ") else []


def render(rows: list[Row], run: "Run", failures: list[str]) -> str:
    """The table that is printed at the end."""
    lines = HEAD + [line(row, run.name) for row in rows]
    lines += ["", "A ratio above 1 means that cloud-mirror is better. Medians of interleaved rounds, with half their range, everything on loopback.", "", f"- {run}"]
    lines += [f"- **not measured** {failure}" for failure in failures]
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """Three significant figures, or all of a large number."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values: list[float]) -> float | None:
    """Half the range of several rounds, as a part of their median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if len(values) > 1 and middle else None


def figure(value: float | None, spread: float | None) -> str:
    """A number and how far its rounds are apart."""
    return number(value) if value is None or spread is None else f"{number(value)} ±{spread:.0%}"


def pair(values: tuple[float, float | None] | None, unit: str = "") -> str:
    if values is None:
        return ""
    text = number(values[0]) if values[1] is None else f"{number(values[0])} / {number(values[1])}"
    return f"{text} {unit}".strip()


@dataclass(frozen=True)
class Run:
    """When, on what and with what rows were measured."""

    name: str
    facts: str

    def __str__(self) -> str:
        return f"**{self.name}**: {self.facts}"


def this_run() -> Run:
    """To be called before anything is measured."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return Run(f"{datetime.date.today().isoformat()} {_commit()}", "; ".join([
        f"{len(os.sched_getaffinity(0))} cores of {model.group(1) if model else platform.machine()}, {_memory_gib():.0f} GiB of memory",
        f"Linux {platform.release()}, load before it {load}",
        _said(["nginx", "-v"]).replace("nginx version: ", ""),
        "HAProxy " + " ".join(_said([os.environ.get("HAPROXY_EXECUTABLE", "haproxy"), "-v"]).split()[2:3]),
        _said(["rclone", "version"]), " ".join(_said(["curl", "--version"]).split()[:2]),
        " ".join(_said(["wrk", "-v"]).split()[:2]), f"s5cmd {_said(['s5cmd', 'version'])}",
        " ".join(_said(["redis-server", "--version"]).split()[:3]),
        "SeaweedFS " + " ".join(_said([os.environ.get("WEED_EXECUTABLE", "weed"), "version"]).split()[2:3]), _said(["peryx", "--version"]),
    ]))


def _commit() -> str:
    """The commit that is measured, and whether anything was changed but the table itself."""
    commit = _said(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"])
    changed = _said(["git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)docs/benchmarks.md"])
    return f"{commit}-dirty" if changed else commit


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def _said(command: list) -> str:
    """The first line that a command prints, wherever it prints it."""
    try:
        ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return f"{command[0]}: unknown version"
    lines = (ran.stdout + ran.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""
