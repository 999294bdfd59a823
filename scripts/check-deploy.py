#!/usr/bin/env python3
"""Fails if the files in deploy/ do not match the rest of the tree.

The Dockerfile has to copy everything that Package.swift names, the compose file may name only what exists, and both systemd units have the same sandbox.
Needs PyYAML, Swift (to read Package.swift) and, for the units, systemd-analyze.
usage: check-deploy.py [ROOT] | --self-test
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

import yaml

# The highest exposure that `systemd-analyze security` may report for a unit; 10 is a service that may do everything.
EXPOSURE_LIMIT = 1.5
# What the units may differ in: what they are, what they run, and where its state is.
OWN = ("Description", "ExecStart", "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "Environment")

# ---- The Dockerfile

# What builds the executable there.
BUILD = "scripts/build-release.sh"


def manifest_paths(root: Path) -> list[str]:
    """Package.swift and the folders of all its targets."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["swift", "package", "--package-path", str(root), "--scratch-path", scratch, "dump-package"]
        manifest = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    folders = [target.get("path") or ("Tests/" if target["type"] == "test" else "Sources/") + target["name"] for target in manifest["targets"]]
    return ["Package.swift", *folders]


def dockerfile_problems(root: Path, text: str, needed: list[str]) -> list[str]:
    """Needed paths that the build stage does not copy, and paths that it copies but that do not exist."""
    found, copied = [], []
    ignore = root / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    text = text.replace("\\\n", " ")
    for instruction in text.splitlines():
        words = instruction.split()
        if words[:1] == ["RUN"] and BUILD in instruction:
            break
        if words[:1] != ["COPY"] or words[1].startswith("--from"):
            continue
        for source in words[1:-1]:
            if not (root / source).exists():
                found.append(f"Dockerfile: copies {source}, which is not there")
            if is_ignored(source, patterns):
                found.append(f"Dockerfile: copies {source}, which .dockerignore leaves out")
            target = words[-1].removeprefix("./").rstrip("/")
            copied.append(source if target in ("", ".") else target)
    for path in needed:
        if not any(path == copy or path.startswith(copy + "/") for copy in copied):
            found.append(f"Dockerfile: does not copy {path}, which Package.swift names")
    return found


def is_ignored(path: str, patterns: list[str]) -> bool:
    """The last pattern that matches the path, or a folder that it is in, decides."""
    ignored = False
    for pattern in patterns:
        pattern = pattern.strip()
        if not pattern or pattern.startswith("#"):
            continue
        plain = pattern.removeprefix("!").strip("/")
        parts = path.split("/")
        if any(fnmatch("/".join(parts[: end + 1]), plain) for end in range(len(parts))):
            ignored = not pattern.startswith("!")
    return ignored


# ---- The compose file


def compose_problems(root: Path, text: str) -> list[str]:
    """One build for each image, only files that exist, and services that wait only for services with a health check."""
    document = yaml.safe_load(text)
    services, found, builds = document["services"], [], {}
    folder = root / "deploy"
    for name, service in services.items():
        image, build = service.get("image"), service.get("build")
        if not image:
            found.append(f"compose.yaml: {name} has no image")
        elif ":" not in image or image.endswith(":latest"):
            found.append(f"compose.yaml: the image of {name} has no version")
        if build:
            builds.setdefault(image, []).append(name)
            context = folder / build["context"]
            if not (context / build["dockerfile"]).is_file():
                found.append(f"compose.yaml: {name} is built from {build['dockerfile']}, which is not there")
        found += volume_problems(folder, name, service, document.get("volumes") or {})
        found += dependency_problems(name, service, services)
        if "restart" in service and not has_health(service, services):
            found.append(f"compose.yaml: {name} has no health check")
    for image, names in builds.items():
        if len(names) > 1:
            found.append(f"compose.yaml: {image} is built {len(names)} times, by {', '.join(names)}")
    for name, service in services.items():
        if service.get("image") in builds and not service.get("build") and service.get("pull_policy") != "never":
            found.append(f"compose.yaml: the image of {name} is built here, but would be pulled")
    return found


def has_health(service: dict, services: dict) -> bool:
    """Its own health check, or that of the image that is built here."""
    own = service.get("healthcheck")
    if own:
        return not own.get("disable")
    return any(other.get("build") and other.get("image") == service.get("image") for other in services.values())


def volume_problems(folder: Path, name: str, service: dict, volumes: dict) -> list[str]:
    found = []
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            if not (folder / source).is_file():
                found.append(f"compose.yaml: {name} is given {source}, which is not there")
        elif source not in volumes:
            found.append(f"compose.yaml: {name} uses the volume {source}, which is not declared")
    return found


def dependency_problems(name: str, service: dict, services: dict) -> list[str]:
    found = []
    needed = service.get("depends_on", {})
    if isinstance(needed, list):
        return [f"compose.yaml: {name} does not wait until {', '.join(needed)} can be used: give conditions"]
    for other, how in needed.items():
        condition = how.get("condition")
        if other not in services:
            found.append(f"compose.yaml: {name} waits for {other}, which is not there")
        elif condition == "service_healthy" and not has_health(services[other], services):
            found.append(f"compose.yaml: {name} waits until {other} is healthy, which has no health check")
        elif condition == "service_completed_successfully" and "restart" in services[other]:
            found.append(f"compose.yaml: {name} waits for the end of {other}, which is started again")
        elif condition not in ("service_healthy", "service_completed_successfully"):
            found.append(f"compose.yaml: {name} does not wait until {other} can be used")
    return found


# ---- The systemd units


def unit_texts(units: list[Path]) -> dict[str, str]:
    return {unit.name: unit.read_text(encoding="utf-8") for unit in units}


def directive_problems(units: dict[str, str]) -> list[str]:
    """Units that do not tell when they are ready, or whose sandbox is not that of the first."""
    found = []
    lines = {name: [line for line in text.splitlines() if "=" in line and not line.startswith("#")] for name, text in units.items()}
    shared = {name: {line for line in own if line.split("=")[0] not in OWN} for name, own in lines.items()}
    first = next(iter(shared), None)
    for name, own in lines.items():
        if "Type=notify" not in own:
            found.append(f"{name}: is not Type=notify")
        differing = sorted(shared[name] ^ shared[first])
        if differing:
            found.append(f"{name}: differs from {first} in {', '.join(differing)}")
    return found


def unit_problems(units: list[Path]) -> list[str]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for unit in units:
            copy = Path(folder) / unit.name
            # It does not matter whether the executable is installed on this machine.
            copy.write_text(unit.read_text(encoding="utf-8").replace("/usr/local/bin/cloud-mirror", "/bin/true"), encoding="utf-8")
            copies.append(copy)
        for copy in copies:
            verified = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
            if verified.returncode != 0 or copy.name in verified.stderr:
                found.append(f"{copy.name}: {verified.stderr.strip()}")
            command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(copy)]
            security = subprocess.run(command, capture_output=True, text=True)
            level = re.search(r"exposure level for \S+: ([0-9.]+)", security.stdout)
            if not level:
                found.append(f"{copy.name}: systemd-analyze security says nothing: {security.stderr.strip()}")
            elif float(level.group(1)) > EXPOSURE_LIMIT:
                found.append(f"{copy.name}: exposure {level.group(1)}, more than {EXPOSURE_LIMIT} (systemd-analyze security)")
            if not re.search(r"^ExecReload=\S+ -HUP \$MAINPID$", copy.read_text(encoding="utf-8"), re.MULTILINE):
                found.append(f"{copy.name}: has no ExecReload by SIGHUP")
    return found


# ---- All of it


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    deploy = root / "deploy"
    found = dockerfile_problems(root, (deploy / "Dockerfile").read_text(encoding="utf-8"), manifest_paths(root))
    found += compose_problems(root, (deploy / "compose.yaml").read_text(encoding="utf-8"))
    units = sorted(deploy.glob("*.service"))
    found += directive_problems(unit_texts(units))
    if shutil.which("systemd-analyze"):
        found += unit_problems(units)
    else:
        print("    note: no systemd-analyze here: the units are not checked", file=sys.stderr)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def self_test() -> None:
    dockerfile = "COPY Package.swift ./\nCOPY Sources Sources\nRUN scripts/build-release.sh && install it\nCOPY Tests Tests\n"
    compose = """
        services:
          a:
            image: mirror:local
            build: {context: .., dockerfile: deploy/Dockerfile}
            restart: always
            volumes: [./a.yaml:/a.yaml:ro]
            depends_on: {b: {condition: service_healthy}}
          b: {image: "redis:7", restart: always, healthcheck: {test: [CMD, "true"]}}
        """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for file in ("Package.swift", "Sources/A/a.swift", "Tests/B/b.swift", "deploy/Dockerfile", "deploy/a.yaml"):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).touch()
        needed = ["Package.swift", "Sources/A"]
        _expect(dockerfile_problems(root, dockerfile, needed), None)
        _expect(dockerfile_problems(root, dockerfile, [*needed, "Tests/B"]), "does not copy Tests/B")
        _expect(dockerfile_problems(root, "COPY Nothing ./\n" + dockerfile, needed), "which is not there")
        (root / ".dockerignore").write_text("*\n!Package.swift\n", encoding="utf-8")
        _expect(dockerfile_problems(root, dockerfile, needed), "leaves out")
        (root / ".dockerignore").write_text("*\n!Package.swift\n!Sources\n", encoding="utf-8")
        _expect(dockerfile_problems(root, dockerfile, needed), None)
        _expect(compose_problems(root, compose), None)
        for old, new, expected in [
            ("redis:7", "redis", "no version"),
            ("./a.yaml", "./b.yaml", "is given ./b.yaml"),
            ("./a.yaml", "data", "not declared"),
            ("{b: {condition: service_healthy}}", "[b]", "give conditions"),
            ("{b: {condition: service_healthy}}", "{c: {condition: service_healthy}}", "waits for c"),
            ("service_healthy", "service_started", "can be used"),
            ("service_healthy", "service_completed_successfully", "started again"),
            ("restart: always, healthcheck", "labels", "has no health check"),
            ("deploy/Dockerfile", "Dockerfile", "built from"),
            ("          b:", "          d: {image: 'mirror:local'}\n          b:", "would be pulled"),
            ("          b:", "          d: {image: 'mirror:local', build: {context: .., dockerfile: deploy/Dockerfile}}\n          b:", "2 times"),
        ]:
            assert old in compose, old
            _expect(compose_problems(root, compose.replace(old, new)), expected)
        own = "Type=notify\nExecStart=/bin/a\nPrivateTmp=yes\n"
        _expect(directive_problems({"a": own, "b": own.replace("/bin/a", "/bin/b")}), None)
        _expect(directive_problems({"a": own, "b": own.replace("PrivateTmp=yes\n", "")}), "b: differs from a in PrivateTmp=yes")
        _expect(directive_problems({"a": own.replace("notify", "simple")}), "a: is not Type=notify")
        if shutil.which("systemd-analyze"):
            unit = root / "x.service"
            unit.write_text("[Service]\nExecStart=/usr/local/bin/cloud-mirror\nExecReload=/bin/kill -HUP $MAINPID\n", encoding="utf-8")
            _expect(unit_problems([unit]), "exposure 9")
            unit.write_text("[Service]\nExecStrat=/bin/true\n", encoding="utf-8")
            assert any("ExecStrat" in problem for problem in unit_problems([unit]))


def _expect(found: list[str], expected: str | None) -> None:
    if expected is None:
        assert found == [], found
    else:
        assert len(found) == 1 and expected in found[0], (expected, found)


if __name__ == "__main__":
    sys.exit(main())
