"""Starting, measuring and ending processes."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """As many different ones."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def start(command: list, log: Path, on_cores: list[int] | None = None, environment: dict | None = None) -> subprocess.Popen:
    """Starts a server that ends with this process, whatever ends this process."""

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if on_cores:
            os.sched_setaffinity(0, on_cores)

    with open(log, "ab") as output:
        return subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=prepare,
            env={**os.environ, **(environment or {})})


def stop(process: subprocess.Popen, patience: float = 10) -> None:
    """Asks it to end, then makes it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(timeout=patience)


def await_listening(process: subprocess.Popen, log: Path, read: Callable[[str], Any], name: str) -> Any:
    """What `read` finds in the log once the server says there where it listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode} before it listened, see {log}")
        if found := read(log.read_text(encoding="utf-8")):
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{name} did not listen within 30 s, see {log}")


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except FileNotFoundError:
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and all below it, ended children included."""
    total = 0.0
    for each in descendants(pid):
        try:
            total += parse_cpu(Path(f"/proc/{each}/stat").read_text())
        except FileNotFoundError:
            continue
    return total


def children_seconds() -> float:
    """User and system time of the children that this process has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def parse_cpu(stat: str) -> float:
    """Seconds out of a line of /proc/PID/stat: the process and the children that it waited for."""
    return sum(int(field) for field in stat_fields(stat)[11:15]) / TICKS


def stat_fields(stat: str) -> list[str]:
    """What stands behind the command's name in a line of /proc/PID/stat.

    The name may hold spaces and parentheses: count from the last one (proc(5)).
    """
    return stat[stat.rindex(")") + 2:].split()


def memory(pid: int) -> dict[str, float]:
    """VmRSS, VmHWM (the peak), RssAnon in MiB, of the process and all below it together."""
    total = {"VmRSS": 0.0, "VmHWM": 0.0, "RssAnon": 0.0}
    for each in descendants(pid):
        try:
            for name, value in parse_memory(Path(f"/proc/{each}/status").read_text()).items():
                total[name] += value
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def parse_memory(status: str) -> dict[str, float]:
    found = {}
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM", "RssAnon"):
            found[name] = int(value.split()[0]) / 1024
    return found


@dataclass
class Ran:
    """One command from start to end."""

    seconds: float
    cpu: float
    peak_mib: float
    output: str


def measure(
    command: list, log: Path, timeout: float = 600, on_cores: list[int] | None = None, environment: dict | None = None
) -> Ran:
    """Runs a command to its end. Its peak memory is sampled: what `wait4` reports would count our own pages before exec."""
    with open(log, "ab") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            env={**os.environ, **(environment or {})}, start_new_session=True, preexec_fn=(lambda: os.sched_setaffinity(0, on_cores)) if on_cores else None)
        try:
            peak, deadline = 0.0, started + timeout
            while True:
                # Not reaped yet, so that the exact processor time can still be had.
                if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                    break
                peak = max(peak, memory(process.pid)["VmHWM"])
                if time.perf_counter() > deadline:
                    raise TimeoutError(f"{command[0]} did not end within {timeout:.0f} s")
                time.sleep(0.002)
            seconds = time.perf_counter() - started
            cpu = parse_cpu(Path(f"/proc/{process.pid}/stat").read_text())
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # With whatever a shell started.
            process.communicate(timeout=10)
            raise
        output = process.communicate(timeout=10)[0].decode()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}, see {log}")
    return Ran(seconds, cpu, peak, output)
