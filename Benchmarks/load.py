"""Load by wrk."""

import json
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from process import children_seconds, cpu_seconds, memory
from settings import LOGS, cores

_SCRIPT = Path(__file__).with_name("redirects.lua")
# For paths that differ in a number.
NUMBERED = Path(__file__).with_name("numbered_redirects.lua")


@dataclass
class Load:
    """What one run of wrk saw, and what it cost the server."""

    requests_per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    rss_mib: float
    # The part of its core that wrk used: near 1, it is wrk that was measured.
    wrk_busy: float = 0.0


def redirects(name: str, port: int, pid: int, paths: Path, connections: int, seconds: int, checks_status: bool = False, script: Path = _SCRIPT,
              scheme: str = "http", depth: int = 1) -> Load:
    """Asks for each path of the file in turn, over and over.

    With `checks_status` every single answer has to be 302, which makes wrk itself slower: for a run whose figures are thrown away.
    Without, an answer of 400 or more, or a connection that broke, is an error. `depth` requests are sent together, and the next ones after the answers
    to all of them; what wrk says about the latency means nothing then.
    """
    before, before_wrk = cpu_seconds(pid), children_seconds()
    output = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script, f"{scheme}://127.0.0.1:{port}", "--", paths, str(depth)],
        check=True, capture_output=True, text=True, timeout=seconds + 60, stdin=subprocess.DEVNULL,
        env={**os.environ, "CHECK_STATUS": "1" if checks_status else ""},
        preexec_fn=lambda: os.sched_setaffinity(0, cores()[1]))
    used, used_wrk = cpu_seconds(pid) - before, children_seconds() - before_wrk
    with open(LOGS / f"wrk-{name}.log", "a", encoding="utf-8") as log:
        log.write(output.stdout)
    return replace(read(output.stdout, used, memory(pid)["VmRSS"], name), wrk_busy=used_wrk / seconds)


def read(output: str, cpu: float, rss: float, name: str) -> Load:
    """Reads the line that redirects.lua prints at the end."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if len(lines) != 1:
        raise RuntimeError(f"wrk said nothing to be read about {name}")
    seen = json.loads(lines[0])
    wrong = {key: seen[key] for key in ("other", "status", "connect", "read", "write", "timeout") if seen[key]}
    if wrong:
        raise RuntimeError(f"{name}: not every answer was a 302: {wrong}")
    if seen["requests"] == 0:
        raise RuntimeError(f"{name}: no request was answered")
    return Load(
        requests_per_second=seen["requests"] / (seen["duration_us"] / 1e6),
        cpu_us=cpu / seen["requests"] * 1e6, p50_ms=seen["p50_us"] / 1000, p99_ms=seen["p99_us"] / 1000, rss_mib=rss)
