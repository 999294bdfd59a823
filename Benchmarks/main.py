"""Runs the benchmarks that are named, prints one table, and puts its rows into docs/benchmarks.md. Called by run.sh."""

import argparse
import functools
import importlib
import shutil
import signal
import sys
import time
from collections.abc import Callable

import document
from services import SERVICES
from settings import BENCHMARKS, DATA, LOGS, MAIN, MEMORY, RESULTS, Settings, say
from table import Row, render, this_run


def benchmark(name: str) -> Callable[[Settings], list[Row]]:
    """What runs the benchmark of this name. Those of pools in buckets are the same for each service."""
    service, _, what = name.partition("-")
    if service in SERVICES and what in ("copy", "small", "memory"):
        return functools.partial(importlib.import_module(f"bench_bucket_{what}").run, service=SERVICES[service])
    return importlib.import_module("bench_" + name.replace("-", "_")).run


def main() -> int:
    parser = argparse.ArgumentParser(prog="Benchmarks/run.sh")
    parser.add_argument("--trial", action="store_true", help="small data and few rounds; the figures mean nothing")
    parser.add_argument("--keep", action="store_true", help=f"leave the data under {DATA} and {MEMORY}")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; or `quick`: the main ones in three minutes")
    arguments = parser.parse_args()
    is_quick = arguments.names == ["quick"]
    names = MAIN if is_quick else arguments.names or BENCHMARKS
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")

    # A signal unwinds the stack, and so ends every server that a `with` started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    for folder in (DATA, LOGS, MEMORY):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    settings = Settings.trial() if arguments.trial else Settings.quick() if is_quick else Settings()
    # Only what was measured with all of the data is compared with other runs.
    is_documented = settings == Settings()
    run, rows, failures = this_run(), [], []
    try:
        for name in names:
            say(f"{name}")
            started = time.monotonic()
            try:
                measured = benchmark(name)(settings)
                rows += measured
                # At once: what comes later may take an hour, or fail.
                if is_documented:
                    document.write(measured, run)
            except Exception as error:  # One benchmark that cannot be measured does not take the others' figures with it.
                failures.append(f"{name}: {type(error).__name__}: {error}")
                say(f"{name} failed: {error}")
            say(f"{name}: {time.monotonic() - started:.0f} s")
    finally:
        if not arguments.keep:
            for folder in (DATA, MEMORY):
                shutil.rmtree(folder, ignore_errors=True)

    text = render(rows, run, failures)
    if arguments.trial:
        text += "- **--trial**: small data and few rounds; these figures mean nothing\n"
    RESULTS.write_text(text, encoding="utf-8")
    print()
    print(text)
    if is_documented and rows:
        say("docs/benchmarks.md has these rows; README.md and docs/operations.md repeat some of them, and `make check` says which are out of date")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
