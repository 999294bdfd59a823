"""Where things are and how much is measured."""

import os
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = [
    "machine", "hot-redirect", "pipelined-redirect", "tls-redirect", "hot-many", "hot-most", "selected-redirect", "retention-redirect",
    "cold-redirect", "copy", "memory", "serve", "startup", "local-small", "s3-copy", "s3-server-side", "s3-small", "s3-memory", "gcs-copy",
    "gcs-small", "gcs-memory", "azure-copy", "azure-small", "azure-memory", "redis-hot-redirect", "state", "large-state", "reconcile", "wake-up",
    "waiting", "redis-away", "regions", "links", "plan", "python-install", "build",
]
# What `quick` stands for.
MAIN = ["machine", "hot-redirect", "pipelined-redirect", "tls-redirect", "cold-redirect", "copy", "serve", "startup"]

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".build" / "benchmarks"
DATA = WORK / "data"
LOGS = WORK / "logs"
# For very many small files, which some disks take hours to remove.
MEMORY = Path("/dev/shm/cloud-mirror-benchmarks")
RESULTS = WORK / "results.md"

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Settings:
    """How much is measured. The defaults are what the documentation's figures come from."""

    artifacts: int = 10_000
    connections: tuple[int, ...] = (64, 256)
    many: tuple[int, int, int] = (5_000, 10_000, 1_000_000)
    # More than memory holds by default, and as many as are asked for until it is full.
    most: tuple[int, int] = (10_000_000, 2_000_000)
    rounds: int = 3
    load_seconds: int = 8
    tls_connections: int = 2_000
    cold_sizes: tuple[int, ...] = (1 << 10, 1 << 20, 64 << 20)
    cold_runs: int = 20
    large: int = GIB
    copies: int = 16
    serve_rounds: int = 5
    startups: int = 20
    settle_seconds: int = 65
    small: int = 100_000
    small_count: int = 1_000
    state_replicas: int = 10_000
    state_seconds: int = 5
    large_state: int = 1_000_000
    expired: int = 100_000
    # In a directory: few, and many.
    reconciled: tuple[int, int] = (10_000, 1_000_000)
    wake_ups: int = 300
    # As far as the limit of open files allows.
    waiting: tuple[int, ...] = (10_000, 100_000)
    fallbacks: int = 100
    wheels: int = 30
    plan_requests: int = 10_000_000
    # Some ten minutes each.
    builds: int = 1

    @staticmethod
    def quick() -> "Settings":
        """For the main rows in three minutes: the figures are what they are with the defaults, give or take more."""
        return Settings(
            artifacts=1_000, connections=(64,), load_seconds=3, tls_connections=500, cold_sizes=(1 << 10,), large=256 * MIB, serve_rounds=3, startups=10,
            settle_seconds=0)

    @staticmethod
    def trial() -> "Settings":
        """Shows that everything works; the figures mean nothing."""
        return Settings(
            artifacts=200, connections=(16,), many=(100, 200, 5_000), most=(20_000, 4_000), rounds=1, load_seconds=1, tls_connections=50,
            cold_sizes=(1 << 10, 1 << 20), cold_runs=3,
            large=32 * MIB, copies=4, serve_rounds=1, startups=3, small_count=50, state_replicas=500, state_seconds=1, large_state=5_000, expired=1_000,
            reconciled=(200, 2_000), wake_ups=20, waiting=(200, 1_200), fallbacks=20, wheels=4, plan_requests=100_000, builds=0, settle_seconds=0)


def cores() -> tuple[list[int], list[int]]:
    """The cores of the server under measurement and those of whoever loads it: apart where there are two."""
    available = sorted(os.sched_getaffinity(0))
    return available[:1], available[1:2] or available[:1]


def say(text: str) -> None:
    print(f"==> {text}", flush=True)
