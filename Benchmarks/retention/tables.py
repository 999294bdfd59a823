#!/usr/bin/env python3
"""Writes the table of docs/money.md and the pictures in docs/images: the evaluator's figures for each trace beside those of `cloud-mirror plan`.

usage: tables.py TRACES -- PROGRAM [ARGUMENT...]      TRACES: the folder that generate.py has filled; PROGRAM: cloud-mirror plan
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import retention_eval as evaluator

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- Benchmarks/retention/tables.py: begin -->\n", "<!-- Benchmarks/retention/tables.py: end -->\n"
PRICES = "aws"
TRACES = ("ci", "release", "toolchain", "onehit", "models", "mix", "adversary", "drift", "storm", "flood", "cold", "clock")
# What both compute by the same rule.
COMMON = ("never", "ttl-1d", "tstar", "clairvoyant")
# Traces whose plan is drawn.
DRAWN = ("release", "models")


def main() -> int:
    if len(sys.argv) < 4 or sys.argv[2] != "--":
        sys.exit(__doc__)
    folder, program = Path(sys.argv[1]), sys.argv[3:]
    lines = [
        "| trace | requests | no mirror | `ttl-1d` | `tstar` | SkyStore's method | `hazard` | best possible | x best: `tstar` | SkyStore | `hazard` |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    with tempfile.TemporaryDirectory() as name:
        prices = Path(name) / "prices.json"
        prices.write_text(json.dumps(evaluator.price_set(PRICES)), encoding="utf-8")
        for trace in TRACES:
            path = folder / f"{trace}.csv"
            lines.append(row(path, program, prices))
            print(lines[-1], flush=True)
        for trace in DRAWN:
            plot = ROOT / "docs" / "images" / f"plan-{trace}.svg"
            plot.parent.mkdir(exist_ok=True)
            command = [*program, "--trace", folder / f"{trace}.csv", "--prices", prices, "--plot", plot]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    document = ROOT / "docs" / "money.md"
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    document.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1], encoding="utf-8")
    return 0


def row(path: Path, program: list[str], prices: Path) -> str:
    trace = evaluator.load(path)
    costs = evaluator.Costs(trace, evaluator.price_set(PRICES))
    found = {name: evaluator.account(costs, *evaluator.POLICIES[name](costs))["total"] for name in (*COMMON, "skystore")}
    answer = subprocess.run([*program, "--trace", path, "--prices", prices, "--json"], stdout=subprocess.PIPE, check=True)
    plan = {name: policy["total"] for name, policy in json.loads(answer.stdout)["policies"].items()}
    for name in COMMON:
        if abs(plan[name] - found[name]) > 1e-9 * found[name]:
            sys.exit(f"{path}: {name} costs {plan[name]} by plan, and {found[name]} by the evaluator")
    best = found["clairvoyant"]
    dollars = [found["never"], found["ttl-1d"], found["tstar"], found["skystore"], plan["hazard"], best]
    ratios = [found["tstar"] / best, found["skystore"] / best, plan["hazard"] / best]
    cells = [path.stem, f"{len(trace):,}", *(f"{value:.2f}" for value in dollars), *(f"{value:.3f}" for value in ratios)]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
