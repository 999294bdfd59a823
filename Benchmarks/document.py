"""The table of docs/benchmarks.md: a run replaces the rows of the benchmarks that it has measured, and leaves the others as they are."""

import re

from settings import BENCHMARKS, ROOT
from table import HEAD, Row, Run, cells_of, line

DOCUMENT = ROOT / "docs" / "benchmarks.md"
# What stands between them belongs to `make bench`.
BEGIN, END = "<!-- table: `make bench` writes it -->", "<!-- end of the table -->"


def write(rows: list[Row], run: Run) -> None:
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8"), rows, run), encoding="utf-8")


def rewritten(text: str, rows: list[Row], run: Run) -> str:
    """The document with these rows. Rows of benchmarks that are not there any more are left out, and so are runs that no row comes from."""
    before, begin, rest = text.partition(BEGIN)
    table, end, behind = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no table between {BEGIN} and {END}")
    measured = {row.benchmark for row in rows}
    kept = [each for each in table.splitlines() if _benchmark(each) in BENCHMARKS and _benchmark(each) not in measured]
    lines = sorted(kept + [line(row, run.name) for row in rows], key=lambda each: BENCHMARKS.index(_benchmark(each)))
    runs = {name: Run(name, facts) for name, facts in re.findall(r"^- \*\*(.+?)\*\*: (.+)$", table, re.MULTILINE)} | {run.name: run}
    named = {cells_of(each)[-1] for each in lines}
    facts = [f"- {each}" for name, each in runs.items() if name in named]
    return before + begin + "\n\n" + "\n".join([*HEAD, *lines, "", *facts]) + "\n\n" + end + behind


def _benchmark(text: str) -> str:
    """The first cell of a row."""
    return (cells_of(text) or [""])[0]
