#!/usr/bin/env python3
"""Fails if the Helm chart or the Terraform example cannot be used, as far as that can be told here.

Always: the values agree with their schema, wrong values do not, the templates name only values that there are, and the chart has the files that it names.
Where helm is installed it also lints and renders the chart; where terraform is, it checks the example's form and references. helm itself was not to be had when the chart was written; Helm's library rendered it.
Needs PyYAML and jsonschema.
usage: check-chart.py [ROOT]
"""

import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

# Changes of the examples in ci/, and whether the result may be used.
CASES: list[tuple[str, str, dict, bool]] = [
    ("an example", "one", {}, True),
    ("an example", "many", {}, True),
    ("a digest", "one", {"image": {"digest": "sha256:" + "0" * 64}}, True),
    ("no volume", "one", {"persistence": {"enabled": False}}, True),
    ("no copiers", "many", {"copier": {"replicas": 0}}, True),
    ("many front ends without Redis", "one", {"frontEnd": {"replicas": 2}}, False),
    ("copiers without Redis", "many", {"frontEnd": {"replicas": 1}, "config": {"state": None}}, False),
    ("many front ends with a local pool", "many", {"config": {"pools": {"local/dev": {"directory": "/var/lib/cloud-mirror/dev"}}}}, False),
    ("no configuration", "one", {"config": {"origins": None, "pools": None}}, False),
    ("no front end", "one", {"frontEnd": {"replicas": 0}}, False),
    ("an unknown value", "one", {"replicas": 2}, False),
    ("a listen address", "one", {"config": {"listen": "127.0.0.1:1"}}, False),
    ("a pool without a region", "one", {"config": {"pools": {"local": {}}}}, False),
    ("a wrong digest", "one", {"image": {"digest": "latest"}}, False),
    ("memory in words", "one", {"frontEnd": {"resources": {"limits": {"memory": "much"}}}}, False),
]


def merged(values: dict, change: dict) -> dict:
    """As Helm merges: what is null is taken away."""
    result = copy.deepcopy(values)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else value
    return result


def values_of(chart: Path, example: str, change: dict) -> dict:
    values = {}
    for name in ("values.yaml", f"ci/{example}-values.yaml"):
        values = merged(values, yaml.safe_load((chart / name).read_text(encoding="utf-8")))
    return merged(values, change)


def schema_problems(chart: Path) -> list[str]:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    found = []
    for name, example, change, is_valid in CASES:
        errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(values_of(chart, example, change))]
        if is_valid == bool(errors):
            found.append(f"values.schema.json: {name} ({example}): {'; '.join(errors) or 'is taken'}")
    return found


def template_problems(chart: Path, values: dict) -> list[str]:
    found = []
    defined, used = set(), set()
    for path in sorted((chart / "templates").rglob("*")):
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        opened = len(re.findall(r"\{\{-?\s*(?:if|range|with|define)\b", text))
        if opened != len(re.findall(r"\{\{-?\s*end\b", text)):
            # An `else if` within braces opens nothing.
            found.append(f"{path.name}: {opened} blocks are opened, and not as many ended")
        for dotted in re.findall(r"\.Values\.([A-Za-z.]+)", text):
            node = values
            for part in dotted.rstrip(".").split("."):
                if not isinstance(node, dict) or part not in node:
                    found.append(f"{path.name}: names .Values.{dotted}, which values.yaml does not have")
                    break
                node = node[part]
        defined |= set(re.findall(r'define "([^"]+)"', text))
        used |= set(re.findall(r'include "([^"]+)"', text))
        for name in re.findall(r'"(files/[^"]+)"', text):
            if not (chart / name).exists():
                found.append(f"{path.name}: names {name}, which is not there")
    return found + [f"templates: {name} is used and not defined" for name in sorted(used - defined)]


def manifest_problems(name: str, values: dict, manifests: str) -> list[str]:
    kinds = [document["kind"] for document in yaml.safe_load_all(manifests) if document]
    expected = {
        "ConfigMap": 1 + values["dashboard"]["enabled"], "Deployment": 1 + (values["copier"]["replicas"] > 0), "Service": 1, "ServiceAccount": 1, "Pod": 1,
        "PersistentVolumeClaim": int(values["persistence"]["enabled"]), "PodDisruptionBudget": int(values["frontEnd"]["replicas"] > 1),
        "ServiceMonitor": int(values["serviceMonitor"]["enabled"]), "PodMonitor": int(values["serviceMonitor"]["enabled"]),
        "PrometheusRule": int(values["prometheusRule"]["enabled"]),
    }
    return [f"helm: {name}: {kinds.count(kind)} of {kind}, not {count}" for kind, count in expected.items() if kinds.count(kind) != count]


def helm_problems(chart: Path) -> list[str]:
    found = []
    for name, example, change, is_valid in CASES:
        values = values_of(chart, example, change)
        command = ["helm", "template", "mirror", "--values=-", str(chart)]
        rendered = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True)
        if is_valid != (rendered.returncode == 0):
            found.append(f"helm template: {name}: {rendered.stderr or 'is taken'}")
        elif is_valid:
            found += manifest_problems(name, values, rendered.stdout)
    return found


def terraform_problems(folder: Path) -> list[str]:
    result = subprocess.run(["terraform", f"-chdir={folder}", "fmt", "-check", "-recursive", "-diff"], capture_output=True, text=True)
    return [f"terraform fmt: {result.stdout}{result.stderr}"] if result.returncode != 0 else []


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    chart = root / "deploy/helm/cloud-mirror"
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    found = schema_problems(chart) + template_problems(chart, values)
    for program, check in (("helm", lambda: helm_problems(chart)), ("terraform", lambda: terraform_problems(root / "deploy/terraform"))):
        if shutil.which(program):
            found += check()
        else:
            print(f"    note: no {program} here: what it would check is not checked", file=sys.stderr)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
