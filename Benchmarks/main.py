"""Runs the benchmarks that are named and prints one table. Called by run.sh."""

import argparse
import functools
import importlib
import shutil
import signal
import sys
import time
from collections.abc import Callable

from services import SERVICES
from settings import BENCHMARKS, DATA, LOGS, RESULTS, Settings, say
from table import Row, environment, render


def benchmark(name: str) -> Callable[[Settings], list[Row]]:
    """What runs the benchmark of this name. Those of pools in buckets are the same for each service."""
    service, _, what = name.partition("-")
    if service in SERVICES and what in ("copy", "small", "memory"):
        return functools.partial(importlib.import_module(f"bench_bucket_{what}").run, service=SERVICES[service])
    return importlib.import_module("bench_" + name.replace("-", "_")).run


def main() -> int:
    parser = argparse.ArgumentParser(prog="Benchmarks/run.sh")
    parser.add_argument("--quick", action="store_true", help="small data and few rounds; the figures mean nothing")
    parser.add_argument("--keep", action="store_true", help=f"leave the data under {DATA}")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")

    # A signal unwinds the stack, and so ends every server that a `with` started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    for folder in (DATA, LOGS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    settings = Settings.quick() if arguments.quick else Settings()
    rows, failures = [], []
    try:
        for name in arguments.names or BENCHMARKS:
            say(f"{name}")
            started = time.monotonic()
            try:
                rows += benchmark(name)(settings)
            except Exception as error:  # One benchmark that cannot be measured does not take the others' figures with it.
                failures.append(f"{name}: {type(error).__name__}: {error}")
                say(f"{name} failed: {error}")
            say(f"{name}: {time.monotonic() - started:.0f} s")
    finally:
        if not arguments.keep:
            shutil.rmtree(DATA, ignore_errors=True)

    text = render(rows, environment(arguments.quick), failures)
    RESULTS.write_text(text, encoding="utf-8")
    print()
    print(text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
