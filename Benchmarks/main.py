"""Runs the benchmarks that are named and prints one table. Called by run.sh."""

import argparse
import importlib
import shutil
import signal
import sys
import time

from settings import BENCHMARKS, DATA, LOGS, RESULTS, Settings, say
from table import environment, render

MODULES = {name: "bench_" + name.replace("-", "_") for name in BENCHMARKS} | {
    f"s3-{what}": f"bench_bucket_{what}" for what in ("copy", "small", "memory")
}


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
                rows += importlib.import_module(MODULES[name]).run(settings)
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
