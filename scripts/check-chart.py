#!/usr/bin/env python3
"""Fails if the Helm chart or the Terraform example cannot be used, as far as that can be told here.

Always: the values agree with their schema, wrong values do not, the templates name only values that there are, and the chart has the files that it names.
Where helm is installed it also lints and renders the chart; where terraform is, it checks the example's form and references. helm was not to be had when the chart was written.
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

REDIS = {"redis": {"url": "rediss://redis.example.org:6379/0"}}
BUCKET = {"s3/eu-central-1": {"bucket": "pool"}}

# Changes of the values, and whether the result may be used.
CASES: list[tuple[str, dict, bool]] = [
    ("the values as they are", {}, True),
    ("many front ends and copiers", {"frontEnd": {"replicas": 3}, "copier": {"replicas": 2}, "config": {"state": REDIS, "pools": BUCKET}}, True),
    ("everything", {"persistence": {"enabled": True}, "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}, "existingSecret": "secrets"}, True),
    ("a digest", {"image": {"digest": "sha256:" + "0" * 64}}, True),
    ("many front ends without Redis", {"frontEnd": {"replicas": 2}}, False),
    ("copiers without Redis", {"copier": {"replicas": 1}, "config": {"pools": BUCKET}}, False),
    ("many front ends with a local pool", {"frontEnd": {"replicas": 2}, "config": {"state": REDIS}}, False),
    ("no front end", {"frontEnd": {"replicas": 0}}, False),
    ("an unknown value", {"replicas": 2}, False),
    ("a listen address", {"config": {"listen": "127.0.0.1:1"}}, False),
    ("a pool without a region", {"config": {"pools": {"local": {}}}}, False),
    ("a wrong digest", {"image": {"digest": "latest"}}, False),
    ("memory in words", {"frontEnd": {"resources": {"limits": {"memory": "much"}}}}, False),
]


def merged(values: dict, change: dict) -> dict:
    """As Helm merges, but that pools are replaced and not merged."""
    result = copy.deepcopy(values)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict) and key != "pools":
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def schema_problems(chart: Path, values: dict) -> list[str]:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    found = []
    for name, change, is_valid in CASES:
        errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(merged(values, change))]
        if is_valid == bool(errors):
            found.append(f"values.schema.json: {name}: {'; '.join(errors) or 'is taken'}")
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


def helm_problems(chart: Path, values: dict) -> list[str]:
    found = []
    for name, change, is_valid in CASES:
        if not is_valid:
            continue
        text = yaml.safe_dump(merged(values, change))
        for command in (["helm", "lint", "--strict", "--values=-", str(chart)], ["helm", "template", "mirror", "--values=-", str(chart)]):
            result = subprocess.run(command, input=text, capture_output=True, text=True)
            if result.returncode != 0:
                found.append(f"{' '.join(command[:2])}: {name}: {result.stdout}{result.stderr}")
            elif command[1] == "template":
                kinds = [document["kind"] for document in yaml.safe_load_all(result.stdout) if document]
                if "Deployment" not in kinds or ("PodDisruptionBudget" in kinds) != (merged(values, change)["frontEnd"]["replicas"] > 1):
                    found.append(f"helm template: {name}: makes {kinds}")
    return found


def terraform_problems(folder: Path) -> list[str]:
    result = subprocess.run(["terraform", f"-chdir={folder}", "fmt", "-check", "-recursive", "-diff"], capture_output=True, text=True)
    return [f"terraform fmt: {result.stdout}{result.stderr}"] if result.returncode != 0 else []


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    chart = root / "deploy/helm/cloud-mirror"
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    found = schema_problems(chart, values) + template_problems(chart, values)
    for program, check in (("helm", lambda: helm_problems(chart, values)), ("terraform", lambda: terraform_problems(root / "deploy/terraform"))):
        if shutil.which(program):
            found += check()
        else:
            print(f"    note: no {program} here: what it would check is not checked", file=sys.stderr)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
