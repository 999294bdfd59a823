#!/usr/bin/env python3
"""Fails if a version is not exact, or if two places state different versions.

Builds and tests have to use the same versions as the image, CI and the README's commands: the Swift toolchain (`.swift-version`), Debian, Swift packages
(`Package.swift`; `Package.resolved` is not tracked), Python packages (`scripts/requirements`, with hashes). A commit with a release tag also has to name its base
images by digest: scripts/pin-images.sh writes them.
usage: check-versions.py [--release] [ROOT] | --self-test
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DEBIAN = {"12": "bookworm", "13": "trixie"}
PYTHON_NAME = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


# ---- Swift packages


def manifest_problems(text: str) -> list[str]:
    """Every package has an exact version."""
    found = []
    for line in re.findall(r"\.package\(url:[^\n]*", text):
        if not re.search(r'exact: "\d+\.\d+\.\d+"', line):
            found.append(f"Package.swift: no exact version: {line}")
    return found


def resolved_problems(manifest: str, resolved: str) -> list[str]:
    """The versions that were resolved last are those in the manifest."""
    exact = {url.rsplit("/", 1)[-1].removesuffix(".git").lower(): version for url, version in re.findall(r'url: "([^"]+)", exact: "([^"]+)"', manifest)}
    pins = {pin["identity"]: pin["state"].get("version") for pin in json.loads(resolved)["pins"]}
    return [f"Package.resolved: {name} {pins[name]}, Package.swift: {version}" for name, version in exact.items() if name in pins and pins[name] != version]


# ---- Toolchain and Debian


def toolchain_problems(root: Path, installed: str | None) -> list[str]:
    """`.swift-version` matches the image, the README and the installed toolchain."""
    version = read(root, ".swift-version").strip()
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", version):
        return [f".swift-version: {version!r} is not a version"]
    found = []
    dockerfile, readme = read(root, "deploy/Dockerfile"), read(root, "README.md")
    image = re.search(r"^ARG SWIFT=swift:([\d.]+)-(\w+)", dockerfile, re.MULTILINE)
    base = re.search(r"^ARG BASE=debian:(\w+)", dockerfile, re.MULTILINE)
    said = re.search(r"On Debian (\d+) with Swift ([\d.]+[\d])", readme)
    if not image or image.group(1) != version:
        found.append(f"deploy/Dockerfile: not built with Swift {version}, as .swift-version says")
    if not said or not f"{version}.".startswith(f"{said.group(2)}."):
        found.append(f"README.md: does not say Swift {version}")
    releases = {image and image.group(2), base and base.group(1), said and DEBIAN.get(said.group(1))}
    if len(releases) != 1:
        found.append(f"not one Debian: {', '.join(sorted(str(release) for release in releases))} (deploy/Dockerfile, README.md)")
    if installed is not None and installed != version:
        found.append(f"Swift {installed} is installed, .swift-version says {version}")
    return found


def installed_swift() -> str | None:
    printed = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"Swift version (\d+\.\d+(?:\.\d+)?)", printed)
    return version.group(1) if version else None


def debian_problems(root: Path) -> list[str]:
    """The image is built with libraries that scripts/setup.sh installs for the tests."""
    packages = re.search(r"^packages=\(([^)]*)\)$", read(root, "scripts/setup.sh"), re.MULTILINE)
    known = set(packages.group(1).split()) if packages else set()
    installs = re.search(r"apt-get install -y --no-install-recommends ([^\\\n]+)", read(root, "deploy/Dockerfile"))
    needed = installs.group(1).split() if installs else []
    if not needed:
        return ["deploy/Dockerfile: installs nothing to build with"]
    return [f"deploy/Dockerfile: {name} is not what scripts/setup.sh installs" for name in needed if name not in known]


# ---- Python packages


def requirement_problems(folder: Path) -> list[str]:
    """Each file of pins has every package of its .in file, and a hash for each."""
    found = []
    for wanted_file in sorted(folder.glob("*.in")):
        pins_file = wanted_file.with_suffix(".txt")
        if not pins_file.exists():
            found.append(f"{pins_file.name} is missing: run scripts/pin-requirements.sh")
            continue
        pins = pins_file.read_text(encoding="utf-8")
        pinned = {(normal(name), version) for name, version in PYTHON_NAME.findall(pins)}
        for name, version in PYTHON_NAME.findall(wanted_file.read_text(encoding="utf-8")):
            if (normal(name), version) not in pinned:
                found.append(f"{pins_file.name}: not {name} {version}, as {wanted_file.name} says: run scripts/pin-requirements.sh")
        for entry in re.split(r"(?<!\\)\n", pins):
            name = PYTHON_NAME.match(entry)
            if not name and entry.strip() and not entry.startswith("#"):
                found.append(f"{pins_file.name}: no exact version: {entry.splitlines()[0]}")
            elif name and not re.search(r"--hash=sha256:[0-9a-f]{64}", entry):
                found.append(f"{pins_file.name}: {name.group(1)} has no hash")
    found += [f"{file.name} has no .in file" for file in sorted(folder.glob("*.txt")) if not file.with_suffix(".in").exists()]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ---- Images


def image_problems(root: Path) -> list[str]:
    """A release's base images are named by digest, so that nobody can replace them."""
    found = []
    for line in re.findall(r"^ARG (?:SWIFT|BASE)=.*$", read(root, "deploy/Dockerfile"), re.MULTILINE):
        if not re.search(r"@sha256:[0-9a-f]{64}$", line):
            found.append(f"deploy/Dockerfile: no digest: {line}: run scripts/pin-images.sh")
    for image in re.findall(r"^ *image: (\S+)$", read(root, "deploy/compose.yaml"), re.MULTILINE):
        if not image.startswith("cloud-mirror:") and not re.search(r"@sha256:[0-9a-f]{64}$", image):
            found.append(f"deploy/compose.yaml: no digest: {image}: run scripts/pin-images.sh")
    return found


def is_release(root: Path) -> bool:
    tags = subprocess.run(["git", "-C", str(root), "tag", "--points-at", "HEAD"], capture_output=True, text=True).stdout
    return any(re.match(r"v?\d", tag) for tag in tags.splitlines())


# ---- All of it


def problems(root: Path, installed: str | None, release: bool) -> list[str]:
    manifest = read(root, "Package.swift")
    found = manifest_problems(manifest) + toolchain_problems(root, installed) + debian_problems(root)
    found += requirement_problems(root / "scripts/requirements")
    if (root / "Package.resolved").exists():
        found += resolved_problems(manifest, read(root, "Package.resolved"))
    return found + (image_problems(root) if release else [])


def main(arguments: list[str]) -> int:
    if arguments == ["--self-test"]:
        self_test()
        return 0
    release = "--release" in arguments
    folders = [argument for argument in arguments if not argument.startswith("--")]
    root = Path(folders[0]) if folders else Path(__file__).resolve().parent.parent
    # Outside CI, another toolchain may be tried.
    in_ci = os.environ.get("CI") in ("true", "1")
    found = problems(root, installed_swift() if in_ci else None, release or is_release(root))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def self_test() -> None:
    digest = "@sha256:" + "0a" * 32
    good = {
        "Package.swift": '.package(url: "https://a.example/swift-x", exact: "1.2.3"),\n.package(url: "https://a.example/y.git", exact: "2.0.0", traits: []),\n',
        "Package.resolved": '{"pins": [{"identity": "swift-x", "state": {"version": "1.2.3"}}, {"identity": "z", "state": {"version": "9.9.9"}}]}',
        ".swift-version": "6.3.1\n",
        "README.md": "On Debian 12 with Swift 6.3, from a clone\n",
        "deploy/Dockerfile": f"ARG SWIFT=swift:6.3.1-bookworm{digest}\nARG BASE=debian:bookworm-slim{digest}\n"
        "RUN apt-get install -y --no-install-recommends zlib1g-dev \\\n    && true\n",
        "deploy/compose.yaml": f"services:\n  a:\n    image: cloud-mirror:local\n  b:\n    image: redis:7.4{digest}\n",
        "scripts/setup.sh": "packages=(curl zlib1g-dev)\n",
        "scripts/requirements/a.in": "# Why.\nPy_Yaml==1.0\n",
        "scripts/requirements/a.txt": "# Made.\npy-yaml==1.0 \\\n    --hash=sha256:" + "0a" * 32 + "\nsix==2 ; python_version < '4' \\\n    --hash=sha256:" + "0b" * 32 + "\n",
    }
    changes = [
        ("Package.swift", 'exact: "1.2.3"', 'from: "1.2.3"', "no exact version"),
        ("Package.swift", 'exact: "1.2.3"', 'exact: "1.2.4"', "swift-x 1.2.3"),
        (".swift-version", "6.3.1", "6.4", "not built with Swift 6.4"),
        (".swift-version", "6.3.1", "latest", "not a version"),
        ("README.md", "Swift 6.3", "Swift 6.30", "does not say Swift 6.3.1"),
        ("README.md", "Debian 12", "Debian 13", "not one Debian"),
        ("deploy/Dockerfile", "debian:bookworm", "debian:trixie", "not one Debian"),
        ("deploy/Dockerfile", "zlib1g-dev", "libxml2-dev", "libxml2-dev is not"),
        ("deploy/Dockerfile", f"slim{digest}", "slim", "no digest"),
        ("deploy/compose.yaml", digest, "", "no digest: redis"),
        ("scripts/requirements/a.in", "==1.0", "==1.1", "not Py_Yaml 1.1"),
        ("scripts/requirements/a.txt", "    --hash=sha256:" + "0b" * 32, "    --hash=md5:0", "six has no hash"),
        ("scripts/requirements/a.txt", "==2 ", ">=2 ", "no exact version: six>=2"),
    ]
    assert self_test_problems(good) == [], self_test_problems(good)
    for name, old, new, expected in changes:
        assert old in good[name], (name, old)
        found = self_test_problems(good | {name: good[name].replace(old, new)})
        assert any(expected in line for line in found), (name, new, found)
    assert any("6.3.2 is installed" in line for line in self_test_problems(good, installed="6.3.2"))


def self_test_problems(files: dict[str, str], installed: str = "6.3.1") -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        for path, text in files.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_text(text, encoding="utf-8")
        return problems(Path(name), installed, release=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
