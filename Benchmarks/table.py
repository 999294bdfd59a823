"""The one table at the end."""

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


HEADINGS = ["benchmark", "measure", "cloud-mirror", "peer", "peer's figure", "ratio", "CPU (ours / peer)", "p99 or worst, ms", "RSS MiB", "budget"]


def render(rows: list[Row], facts: list[str], failures: list[str]) -> str:
    lines = [
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "|".join(" --- " for _ in HEADINGS) + "|",
    ]
    for row in rows:
        verdict = "" if row.met is None else (": met" if row.met else ": **missed**")
        cells = [
            row.benchmark, row.measure, figure(row.ours, row.spread and row.spread[0]), row.peer_name, figure(row.peer, row.spread and row.spread[1]),
            "" if row.ratio is None else f"{row.ratio:.2f}", pair(row.cpu, row.cpu_unit), pair(row.p99), pair(row.memory),
            row.budget + verdict,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "A ratio above 1 means that cloud-mirror is better than the peer. Medians of interleaved rounds, with half their range, everything on loopback.", ""]
    lines += [f"- {fact}" for fact in facts]
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


def environment(is_trial: bool) -> list[str]:
    """What the figures were measured on and with."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    facts = [
        f"{datetime.date.today().isoformat()}, commit {_said(['git', '-C', ROOT, 'describe', '--always', '--dirty'])}",
        f"{len(os.sched_getaffinity(0))} cores of {model.group(1) if model else platform.machine()}, Linux {platform.release()}, load at the end {load}",
        "; ".join([
            _said(["nginx", "-v"]).replace("nginx version: ", ""), _said(["rclone", "version"]), " ".join(_said(["curl", "--version"]).split()[:2]),
            " ".join(_said(["wrk", "-v"]).split()[:2]), f"s5cmd {_said(['s5cmd', 'version'])}",
            " ".join(_said(["redis-server", "--version"]).split()[:3]),
            "SeaweedFS " + " ".join(_said([os.environ.get("WEED_EXECUTABLE", "weed"), "version"]).split()[2:3]),
        ]),
    ]
    if is_trial:
        facts.insert(0, "**--trial**: small data and few rounds; these figures mean nothing")
    return facts


def _said(command: list) -> str:
    """The first line that a command prints, wherever it prints it."""
    try:
        ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return f"{command[0]}: unknown version"
    lines = (ran.stdout + ran.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""
