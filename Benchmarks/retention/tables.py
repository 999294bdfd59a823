#!/usr/bin/env python3
"""Writes the tables of docs/money.md and the pictures in docs/images: the evaluator's figures for each trace beside those of `cloud-mirror plan`.
Fails if they differ where both go by the same rule, or if the learning policy does not reach its goals.

usage: tables.py TRACES -- PROGRAM [ARGUMENT...]      TRACES: the folder that generate.py has filled; PROGRAM: cloud-mirror plan
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import retention_eval as evaluator

ROOT = Path(__file__).resolve().parents[2]
MARKS = "<!-- Benchmarks/retention/tables.py: {} -->\n"
SETS = ("aws", "internet", "scaled")
# That of the dollars.
PRICES = "aws"
WORKLOADS = ("ci", "release", "toolchain", "onehit", "models", "mix")
HARD = ("adversary", "drift", "storm", "flood", "cold", "clock")
# What both compute by the same rule.
COMMON = ("never", "ttl-1d", "tstar", "clairvoyant")
# Traces whose plan is drawn.
DRAWN = ("release", "models")
# Times the best possible, on the geometric mean of the workloads by all sets of prices.
MOST = 1.22


class Cell:
    """What policies cost for a trace by a set of prices: the evaluator's totals, with that of `hazard` by the program."""

    def __init__(self, trace, prices: str, program: list[str], path: Path, file: Path):
        costs = evaluator.Costs(trace, evaluator.price_set(prices))
        self.totals = {name: evaluator.account(costs, *evaluator.POLICIES[name](costs))["total"] for name in (*COMMON, "skystore")}
        answer = subprocess.run([*program, "--trace", path, "--prices", file, "--json"], stdout=subprocess.PIPE, check=True)
        plan = {name: policy["total"] for name, policy in json.loads(answer.stdout)["policies"].items()}
        for name in COMMON:
            if abs(plan[name] - self.totals[name]) > 1e-9 * self.totals[name]:
                sys.exit(f"{path} by {prices}: {name} costs {plan[name]} by plan, and {self.totals[name]} by the evaluator")
        self.totals["hazard"] = plan["hazard"]
        # What the guard allows: a tenth, and some misses; and for each key a miss and what is kept after it.
        margins = costs.c - costs.h
        self.allowed = 1.1 * self.totals["tstar"] + 20 * float(margins.mean()) + 4 * float(margins.max())
        self.allowed += 2 * float(margins.max()) * len(trace.ukey)

    def ratio(self, name: str) -> float:
        return self.totals[name] / self.totals["clairvoyant"]


def main() -> int:
    if len(sys.argv) < 4 or sys.argv[2] != "--":
        sys.exit(__doc__)
    folder, program = Path(sys.argv[1]), sys.argv[3:]
    dollars = [
        "| trace | requests | no mirror | `ttl-1d` | `tstar` | SkyStore's method | `hazard` | best possible | x best: `tstar` | SkyStore | `hazard` |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    ratios = [f"| trace | {' | '.join(f'{name}: `tstar` | SkyStore | `hazard`' for name in SETS)} |", "|---|" + "--:|" * 3 * len(SETS)]
    cells = {}
    with tempfile.TemporaryDirectory() as name:
        files = {prices: Path(name) / f"{prices}.json" for prices in SETS}
        for prices, file in files.items():
            file.write_text(json.dumps(evaluator.price_set(prices)), encoding="utf-8")
        for name in (*WORKLOADS, *HARD):
            path = folder / f"{name}.csv"
            trace = evaluator.load(path)
            for prices in SETS:
                cells[name, prices] = Cell(trace, prices, program, path, files[prices])
            dollars.append(row(name, len(trace), cells[name, PRICES]))
            ratios.append(f"| {name} | {' | '.join(ratio_cells(cells[name, prices]) for prices in SETS)} |")
            print(f"{dollars[-1]}\n{ratios[-1]}", flush=True)
        for name in DRAWN:
            plot = ROOT / "docs" / "images" / f"plan-{name}.svg"
            plot.parent.mkdir(exist_ok=True)
            command = [*program, "--trace", folder / f"{name}.csv", "--prices", files[PRICES], "--plot", plot]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    document = ROOT / "docs" / "money.md"
    text = document.read_text(encoding="utf-8")
    document.write_text(between(between(text, "dollars", dollars), "ratios", ratios), encoding="utf-8")
    return report(cells)


def row(name: str, requests: int, cell: Cell) -> str:
    totals = [cell.totals[policy] for policy in ("never", "ttl-1d", "tstar", "skystore", "hazard", "clairvoyant")]
    return f"| {name} | {requests:,} | {' | '.join(f'{total:.2f}' for total in totals)} | {ratio_cells(cell)} |"


def ratio_cells(cell: Cell) -> str:
    return " | ".join(f"{cell.ratio(policy):.3f}" for policy in ("tstar", "skystore", "hazard"))


def between(text: str, table: str, lines: list[str]) -> str:
    """The text with other lines between the marks of a table."""
    begin, end = MARKS.format(f"{table} begin"), MARKS.format(f"{table} end")
    before, rest = text.split(begin)
    return before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1]


def report(cells: dict[tuple[str, str], Cell]) -> int:
    """Says whether the learning policy reaches its goals: the exit status."""
    workloads = [cells[name, prices] for name in WORKLOADS for prices in SETS]
    mean = math.exp(sum(math.log(cell.ratio("hazard")) for cell in workloads) / len(workloads))
    above = [f"{name} by {prices}" for name in WORKLOADS for prices in SETS if cells[name, prices].ratio("hazard") > cells[name, prices].ratio("skystore")]
    broken = [prices for prices in SETS if cells["adversary", prices].totals["hazard"] > cells["adversary", prices].allowed]
    print(f"\n{len(workloads)} cells: geometric mean {mean:.4f} (at most {MOST}), worst {max(cell.ratio('hazard') for cell in workloads):.4f}")
    print(f"above SkyStore's method: {', '.join(above) or 'none'}")
    print(f"adversary, above what the guard allows: {', '.join(broken) or 'none'}")
    return 1 if mean > MOST or above or broken else 0


if __name__ == "__main__":
    sys.exit(main())
