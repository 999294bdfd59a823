#!/usr/bin/env python3
"""Fails if the files in deploy/monitoring/ are not what Prometheus and Grafana can use, or if an alert has no test or no entry in docs/runbook.md.

promtool runs the rules and their tests, and reads every expression of the dashboard. The dashboard is compared with the model of one that Grafana publishes
(grafana-foundation-sdk): no key that the model does not know, no value of another type. No Grafana has loaded it.
Needs PyYAML, grafana-foundation-sdk and promtool (Debian: prometheus).
usage: check-monitoring.py [ROOT] | --self-test
"""

import enum
import functools
import json
import re
import shutil
import subprocess
import sys
import tempfile
import types
import typing
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as grafana
from grafana_foundation_sdk.models import units

MAX_PANELS = 20
ROWS = 5
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {value for name, value in vars(units).items() if not name.startswith("_")}


def alert_names(root: Path) -> list[str]:
    groups = yaml.safe_load((root / "deploy/monitoring/alert-rules.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"]]


def rule_problems(root: Path) -> list[str]:
    """What promtool has against the rules, and what their tests show."""
    folder = root / "deploy/monitoring"
    rules = [str(folder / name) for name in ("alert-rules.yaml", "recording-rules.yaml")]
    found = []
    for command in (["check", "rules", *rules], ["test", "rules", str(folder / "alert-tests.yaml")]):
        result = subprocess.run(["promtool", *command], capture_output=True, text=True)
        if result.returncode != 0:
            found.append(f"promtool {command[0]} rules: {(result.stdout + result.stderr).strip()}")
    return found


def test_problems(root: Path, names: list[str]) -> list[str]:
    """Each alert has to be seen before it fires, firing, and cleared again."""
    seen: dict[str, list[bool]] = {}
    for test in yaml.safe_load((root / "deploy/monitoring/alert-tests.yaml").read_text(encoding="utf-8"))["tests"]:
        for case in test["alert_rule_test"]:
            seen.setdefault(case["alertname"], []).append(bool(case["exp_alerts"]))
    found = [f"alert-tests.yaml: tests {name}, which is not an alert" for name in sorted(set(seen) - set(names))]
    found += [f"alert-tests.yaml: {name} is not seen to fire and to clear" for name in names if seen.get(name) != [False, True, False]]
    return found


def runbook_problems(root: Path, names: list[str]) -> list[str]:
    """Each alert has a section with text, in the order of the rules, and no other alert has one."""
    sections: dict[str, str] = {}
    heading = None
    for line in (root / "docs/runbook.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            heading = line[4:]
            sections[heading] = ""
        elif line.startswith("#"):
            heading = None
        elif heading:
            sections[heading] += line.strip()
    found = [f"docs/runbook.md: {name} has no entry" for name in names if not sections.get(name)]
    found += [f"docs/runbook.md: {name} is not an alert" for name in sections if name not in names]
    if not found and list(sections) != names:
        found.append("docs/runbook.md: the entries are not in the order of the alerts")
    return found


def panel_problems(root: Path) -> list[str]:
    """Panels that the runbook names (`*Copy time*`) and that are not there."""
    board = json.loads((root / "deploy/monitoring/grafana-dashboard.json").read_text(encoding="utf-8"))
    titles = {panel["title"] for panel in board["panels"]}
    named = re.findall(r"(?<!\*)\*([A-Z][^*]*)\*(?!\*)", (root / "docs/runbook.md").read_text(encoding="utf-8"))
    return [f"docs/runbook.md: there is no panel {name}" for name in named if name not in titles]


def dashboard_problems(root: Path) -> list[str]:
    board = json.loads((root / "deploy/monitoring/grafana-dashboard.json").read_text(encoding="utf-8"))
    rows = [panel for panel in board["panels"] if panel["type"] == "row"]
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    found = []
    if len(rows) != ROWS:
        found.append(f"it has {len(rows)} rows, not {ROWS}")
    if not 0 < len(panels) <= MAX_PANELS:
        found.append(f"it has {len(panels)} panels; at most {MAX_PANELS} can be read")
    if len({panel["id"] for panel in board["panels"]}) != len(board["panels"]):
        found.append("two panels have the same id")
    variables = {variable["name"] for variable in board["templating"]["list"]}
    if variables != {"datasource", "job", "pool"}:
        found.append(f"its variables are {sorted(variables)}")
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        if cells & taken or place["x"] + place["w"] > 24:
            found.append(f"{panel['title']}: lies over another panel, or beyond the edge")
        taken |= cells
    for panel in panels:
        found += [f"{panel['title']}: {problem}" for problem in query_problems(panel)]
        if not panel["description"] or panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
            found.append(f"{panel['title']}: has no description, or no unit that Grafana knows")
    return [f"grafana-dashboard.json: {problem}" for problem in found + model_problems(board)]


def query_problems(panel: dict) -> list[str]:
    """Each query reads the chosen data source, and can be told from the others; what it asks can be asked."""
    targets = panel["targets"]
    found = [problem for target in targets for problem in expression_problems(target["expr"])]
    if not targets or not all(target["expr"] and target["legendFormat"] for target in targets):
        found.append("has a query without an expression or a legend")
    for key in ("refId", "legendFormat"):
        if len({target[key] for target in targets}) != len(targets):
            found.append(f"two queries have the same {key}")
    if any(place["datasource"] != DATASOURCE for place in (panel, *targets)):
        found.append("does not read the data source that the reader chose")
    return found


# ---- The model of a dashboard


def model_problems(board: dict) -> list[str]:
    """What a reader by Grafana's model leaves out, or takes for something else."""
    plugins.register_default_plugins()
    model = grafana.Dashboard.from_json(board)
    return [*lost(board, json.loads(json.dumps(model, cls=JSONEncoder)), "dashboard"), *misfits(model, grafana.Dashboard, "dashboard")]


def lost(written: object, kept: object, place: str) -> list[str]:
    """Keys that the model does not know."""
    if isinstance(written, dict) and isinstance(kept, dict):
        missing = [f"{place}: Grafana's model has no {key}" for key in written if key not in kept]
        return missing + [problem for key in written if key in kept for problem in lost(written[key], kept[key], f"{place}.{key}")]
    if isinstance(written, list) and isinstance(kept, list) and len(written) == len(kept):
        return [problem for index, (one, other) in enumerate(zip(written, kept)) for problem in lost(one, other, f"{place}.{index}")]
    return [] if written == kept else [f"{place}: {written!r} is read as {kept!r}"]


def misfits(value: object, wanted: typing.Any, place: str) -> list[str]:
    """Values that are not of the type that the model states for their place."""
    arguments = typing.get_args(wanted)
    match typing.get_origin(wanted):
        case typing.Union | types.UnionType:
            tries = [misfits(value, one, place) for one in arguments if value is None or one is not types.NoneType]
            return min(tries, key=len)
        case origin if origin in (list, dict):
            if not isinstance(value, origin):
                return [f"{place}: {value!r} is not a {origin.__name__}"]
            items = enumerate(value) if origin is list else value.items()
            return [problem for key, item in items for problem in misfits(item, arguments[-1], f"{place}.{key}")]
        case typing.Literal:
            return [] if value in arguments else [f"{place}: {value!r} is not one of {arguments}"]
    if not isinstance(wanted, type):
        return []
    if issubclass(wanted, enum.Enum):
        return [] if value in [one.value for one in wanted] else [f"{place}: {value!r} is not a {wanted.__name__}"]
    if not isinstance(value, (int, float) if wanted is float else wanted) or (isinstance(value, bool) and wanted in (int, float)):
        return [f"{place}: {value!r} is not of the type {wanted.__name__}"]
    # What the model states for a panel of any kind is `object`; the panel's own kind says more.
    fields = typing.get_type_hints(type(value)) if hasattr(value, "to_json") else {}
    return [problem for name, one in fields.items() for problem in misfits(getattr(value, name), one, f"{place}.{name}")]


@functools.cache
def expression_problems(expression: str) -> list[str]:
    """What promtool has against an expression, with Grafana's variables replaced."""
    for name, value in {"$__rate_interval": "5m", "$__range": "6h", "$job": "a", "$pool": "b"}.items():
        expression = expression.replace(name, value)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "panel", "rules": [{"record": "panel", "expr": expression}]}]}, file)
        file.flush()
        result = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
    return [] if result.returncode == 0 else [(result.stdout + result.stderr).strip()]


def problems(root: Path) -> list[str]:
    names = alert_names(root)
    return rule_problems(root) + test_problems(root, names) + runbook_problems(root, names) + panel_problems(root) + dashboard_problems(root)


def main() -> int:
    if not shutil.which("promtool"):
        print("promtool is missing (Debian: prometheus)", file=sys.stderr)
        return 1
    root = Path(__file__).resolve().parent.parent
    if sys.argv[1:] == ["--self-test"]:
        self_test(root)
        return 0
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else root)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def self_test(root: Path) -> None:
    """Damages copies of the files, and checks that each damage is found."""
    changes = [
        ("deploy/monitoring/alert-rules.yaml", "cloud_mirror_state_available == 0", "cloud_mirror_state_available == (", "promtool check"),
        ("deploy/monitoring/alert-rules.yaml", "cloud_mirror_state_available == 0", "cloud_mirror_state_available == 7", "promtool test"),
        ("deploy/monitoring/recording-rules.yaml", "cloud_mirror:fallbacks:ratio_rate5m", "cloud_mirror:other", "promtool test"),
        ("deploy/monitoring/alert-tests.yaml", "alertname: CloudMirrorSlow, exp_alerts: []", "alertname: Another, exp_alerts: []", "CloudMirrorSlow"),
        ("docs/runbook.md", "### CloudMirrorSlow\n", "### CloudMirrorFast\n", "CloudMirrorSlow has no entry"),
        ("deploy/monitoring/grafana-dashboard.json", '"row"', '"row"', None),
        ("docs/runbook.md", "*Copy time*", "*Time of copies*", "no panel Time of copies"),
        ("deploy/monitoring/grafana-dashboard.json", "histogram_quantile(0.99", "histogram_quantile((0.99", "Answers without a wait"),
        ("deploy/monitoring/grafana-dashboard.json", '"row"', '"stat"', "rows"),
        ("deploy/monitoring/grafana-dashboard.json", '"legendFormat" : "p99"', '"legendFormat" : "p50"', "the same legendFormat"),
        ("deploy/monitoring/grafana-dashboard.json", '"uid" : "${datasource}"', '"uid" : "mine"', "does not read the data source"),
        ("deploy/monitoring/grafana-dashboard.json", '"unit" : "Bps"', '"unit" : "parsecs"', "no unit that Grafana knows"),
        ("deploy/monitoring/grafana-dashboard.json", '"displayMode" : "list"', '"displayMode" : "rows"', "'rows' is not a LegendDisplayMode"),
        ("deploy/monitoring/grafana-dashboard.json", '"showPoints"', '"showDots"', "has no showDots"),
        ("deploy/monitoring/grafana-dashboard.json", '"multi" : true', '"multi" : "yes"', "'yes' is not of the type bool"),
    ]
    for path, old, new, expected in changes:
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name)
            for part in ("deploy/monitoring", "docs"):
                shutil.copytree(root / part, copy / part)
            text = (copy / path).read_text(encoding="utf-8")
            if expected:
                assert old in text, (path, old)
            (copy / path).write_text(text.replace(old, new), encoding="utf-8")
            try:
                found = problems(copy)
            except KeyError as error:
                found = [f"rows: {error}"]
            assert (found == []) if expected is None else any(expected in problem for problem in found), (expected, found)


if __name__ == "__main__":
    sys.exit(main())
