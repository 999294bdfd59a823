#!/usr/bin/env python3
"""Writes a software bill of materials (CycloneDX 1.6, JSON) of the executable that was built, and of the image that contains it.

The contents of the executable come from the list of files that it was linked from, not from what the packages might need. The same build gives the same bytes.
usage: sbom.py BUILD [OUTPUT] | --self-test      BUILD: the output of `swift build --show-bin-path`
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXECUTABLE = "cloud-mirror"
# SPDX names, by a phrase in the licence's text. The first match counts.
LICENSES = [
    ("Apache-2.0 WITH Swift-exception", "Runtime Library Exception"),
    ("Apache-2.0", "Apache License"),
    ("MIT", "Permission is hereby granted, free of charge"),
]
# C libraries that packages contain: module, name, where the version is found.
VENDORED = [
    ("CNIOBoringSSL", "boringssl", "hash.txt", r"revision ([0-9a-f]{40})"),
    ("CCryptoBoringSSL", "boringssl", "hash.txt", r"revision ([0-9a-f]{40})"),
    ("CNIOLLHTTP", "llhttp", "include/c_nio_llhttp.h", r"VERSION_MAJOR (\d+)\s+#define \w+ (\d+)\s+#define \w+ (\d+)"),
    ("CYaml", "libyaml", None, None),
    ("CXKCP", "xkcp", None, None),
]


class Unknown(Exception):
    """The executable contains something of unknown origin."""


# ---- What was built


def linked_modules(build: Path) -> list[str]:
    listed = (build / f"{EXECUTABLE}.product/Objects.LinkFileList").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"/([^/\s]+)\.build/", listed.replace("/.build/", "/"))))


def package_of_modules(build: Path, checkouts: Path, modules: list[str]) -> dict[str, str | None]:
    """The checkout that each module was compiled from; `None` for our own."""
    found = {}
    for command in json.loads((build / "description.json").read_text(encoding="utf-8"))["swiftCommands"].values():
        found[command["moduleName"]] = checkout_of(command["inputs"][0]["name"], checkouts)
    places = {}
    for module in modules:
        if module in found:
            places[module] = found[module]
        elif (ROOT / "Sources" / module).is_dir():
            places[module] = None
        else:
            # C modules are not among the Swift commands.
            folders = sorted(folder for folder in checkouts.glob(f"*/**/{module}") if folder.is_dir() and ".build" not in folder.relative_to(checkouts).parts)
            if not folders:
                raise Unknown(f"no package has the module {module}")
            places[module] = checkout_of(str(folders[0]), checkouts)
    return places


def checkout_of(path: str, checkouts: Path) -> str | None:
    match = re.search(r"/checkouts/([^/]+)/", path) or re.search(rf"^{re.escape(str(checkouts))}/([^/]+)", path)
    return match.group(1) if match else None


def resolved(state: Path) -> dict[str, dict]:
    """By checkout: name, location, version, revision."""
    found = {}
    for dependency in json.loads(state.read_text(encoding="utf-8"))["object"]["dependencies"]:
        checkout = dependency["state"]["checkoutState"]
        reference = dependency["packageRef"]
        found[dependency["subpath"]] = {
            "identity": reference["identity"],
            "location": reference["location"].removesuffix(".git"),
            "version": checkout.get("version"),
            "revision": checkout["revision"],
        }
    return found


def license_of(folder: Path) -> str | None:
    for file in sorted(folder.glob("LICENSE*")):
        text = file.read_text(encoding="utf-8", errors="replace")
        for name, words in LICENSES:
            if words in text:
                return name
    return None


# ---- Components


def component(kind: str, name: str, version: str | None, reference: str, **more: object) -> dict:
    made: dict = {"type": kind, "bom-ref": reference, "name": name}
    if version:
        made["version"] = version
    made.update({key.replace("_", "-"): value for key, value in more.items() if value})
    return made


def license_field(name: str | None) -> list[dict] | None:
    if name is None:
        return None
    return [{"expression": name}] if " " in name else [{"license": {"id": name}}]


def swift_package(checkout: str, package: dict, modules: list[str], checkouts: Path) -> dict:
    purl = f"pkg:swift/{package['location'].split('://', 1)[-1]}@{package['version'] or package['revision']}"
    inside = []
    for module, name, file, pattern in VENDORED:
        if module not in modules:
            continue
        version = None
        folders = sorted(folder for folder in (checkouts / checkout).glob(f"**/{module}") if folder.is_dir())
        if file and folders:
            match = re.search(pattern, (folders[0] / file).read_text(encoding="utf-8"))
            version = ".".join(match.groups()) if match else None
        inside.append(component("library", name, version, f"{purl}#{module}"))
    return component(
        "library", package["identity"], package["version"], purl,
        purl=purl,
        licenses=license_field(license_of(checkouts / checkout)),
        externalReferences=[{"type": "vcs", "url": package["location"]}],
        properties=[{"name": "cloud-mirror:modules", "value": " ".join(sorted(modules))}, {"name": "cloud-mirror:revision", "value": package["revision"]}],
        components=inside,
    )


def toolchain() -> dict:
    version = (ROOT / ".swift-version").read_text(encoding="utf-8").strip()
    return component(
        "library", "swift-runtime", version, f"swift-runtime@{version}",
        description="The standard library, Dispatch and Foundation, linked statically",
        licenses=license_field("Apache-2.0 WITH Swift-exception"),
    )


def image_parts(dockerfile: str) -> list[dict]:
    """The base image, and the packages that are installed into it, in the newest versions that Debian has when the image is built."""
    base = re.search(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)
    final = dockerfile.rsplit("\nFROM ", 1)[-1]
    install = re.search(r"apt-get install -y --no-install-recommends ([^\\\n]+)", final)
    if not base or not install:
        raise Unknown("deploy/Dockerfile names no base image, or no packages")
    name, _, version = base.group(1).partition(":")
    parts = [component("container", name, version, f"image:{base.group(1)}")]
    for package in sorted(install.group(1).split()):
        purl = f"pkg:deb/debian/{package}?distro=debian-12"
        parts.append(component("library", package, None, purl, purl=purl))
    return parts


# ---- The document


def graph(node: dict, into: dict[str, set[str]]) -> dict[str, set[str]]:
    """The direct dependencies of each package, by identity."""
    into.setdefault(node["identity"], set()).update(child["identity"] for child in node["dependencies"])
    for child in node["dependencies"]:
        graph(child, into)
    return into


def bill(build: Path, checkouts: Path, state: Path, dependencies: dict, dockerfile: str, version: str) -> dict:
    places = package_of_modules(build, checkouts, linked_modules(build))
    packages = resolved(state)
    by_checkout: dict[str, list[str]] = {}
    for module, checkout in places.items():
        if checkout is not None:
            by_checkout.setdefault(checkout, []).append(module)
    parts = []
    for checkout, modules in sorted(by_checkout.items(), key=lambda item: packages[item[0]]["identity"]):
        parts.append(swift_package(checkout, packages[checkout], modules, checkouts))
    references = {part["name"]: part["bom-ref"] for part in parts}
    edges = graph(dependencies, {})
    own = f"pkg:generic/{EXECUTABLE}@{version}"
    direct = {child["identity"] for child in dependencies["dependencies"]}
    others = [toolchain(), *image_parts(dockerfile)]
    depends = [{"ref": own, "dependsOn": sorted([references[name] for name in direct if name in references] + [part["bom-ref"] for part in others])}]
    for name, reference in sorted(references.items()):
        depends.append({"ref": reference, "dependsOn": sorted(references[other] for other in edges.get(name, ()) if other in references)})
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": component("application", EXECUTABLE, version, own, purl=own, licenses=license_field("Apache-2.0")),
            "properties": [{"name": "cloud-mirror:modules", "value": " ".join(sorted(module for module, place in places.items() if place is None))}],
        },
        "components": parts + others,
        "dependencies": depends,
    }
    # Reproducible: no time and no random number; the serial number is made from the content.
    content = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"
    return document


def problems(document: dict) -> list[str]:
    """Violations of the CycloneDX 1.6 schema that this script could cause, and missing fields that a reader needs."""
    found = []
    if document.get("bomFormat") != "CycloneDX" or document.get("specVersion") != "1.6" or document.get("version") != 1:
        found.append("not a document of CycloneDX 1.6")
    if not re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document.get("serialNumber", "")):
        found.append("the serial number is not a UUID")
    components = [document["metadata"]["component"], *document["components"]]
    components += [inner for outer in document["components"] for inner in outer.get("components", [])]
    references = [part["bom-ref"] for part in components]
    if len(set(references)) != len(references):
        found.append("a bom-ref stands twice")
    for part in components:
        if part["type"] not in ("application", "library", "container") or not part["name"]:
            found.append(f"{part['bom-ref']}: not a component")
        for choice in part.get("licenses", []):
            if set(choice) not in ({"expression"}, {"license"}):
                found.append(f"{part['bom-ref']}: not a licence: {choice}")
        if part.get("purl", "").startswith("pkg:swift/"):
            if not part.get("version"):
                found.append(f"{part['name']} has no version")
            if not part.get("licenses"):
                found.append(f"{part['name']} has no licence that is known here")
    for entry in document["dependencies"]:
        found += [f"{entry['ref']} depends on {other}, which is not there" for other in [entry["ref"], *entry["dependsOn"]] if other not in references]
    return found


def main(arguments: list[str]) -> int:
    if arguments == ["--self-test"]:
        self_test()
        return 0
    build = Path(arguments[0])
    shown = subprocess.run(["swift", "package", "--package-path", str(ROOT), "show-dependencies", "--format", "json"], check=True, capture_output=True, text=True)
    version = re.search(r'current = "([^"]+)"', (ROOT / "Sources/MirrorCore/CloudMirrorVersion.swift").read_text(encoding="utf-8"))
    document = bill(
        build, ROOT / ".build/checkouts", ROOT / ".build/workspace-state.json", json.loads(shown.stdout[shown.stdout.index("{"):]),
        (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"), version.group(1) if version else "unknown")
    for line in (found := problems(document)):
        print(line, file=sys.stderr)
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if len(arguments) > 1:
        output = Path(arguments[1])
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 1 if found else 0


def self_test() -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        checkouts, build = top / ".build/checkouts", top / ".build/debug"
        files = {
            ".build/debug/cloud-mirror.product/Objects.LinkFileList": "/x/.build/debug/NIOCore.build/a.o\n/x/.build/debug/CNIOLLHTTP.build/b.o\n"
            "/x/.build/debug/MirrorCore.build/c.o\n",
            ".build/debug/description.json": json.dumps({"swiftCommands": {
                "a": {"moduleName": "NIOCore", "inputs": [{"name": "/x/.build/checkouts/swift-nio/Sources/NIOCore/a.swift"}]},
                "b": {"moduleName": "MirrorCore", "inputs": [{"name": "/x/Sources/MirrorCore/c.swift"}]},
            }}),
            ".build/checkouts/swift-nio/LICENSE.txt": "Apache License\n",
            ".build/checkouts/swift-nio/Sources/CNIOLLHTTP/include/c_nio_llhttp.h": "#define VERSION_MAJOR 9\n#define V_MINOR 3\n#define V_PATCH 0\n",
            "state.json": json.dumps({"object": {"dependencies": [{
                "packageRef": {"identity": "swift-nio", "location": "https://a.example/swift-nio.git"}, "subpath": "swift-nio",
                "state": {"checkoutState": {"version": "2.0.0", "revision": "ab"}}}]}}),
        }
        for path, text in files.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text, encoding="utf-8")
        dockerfile = "ARG BASE=debian:bookworm-slim\nFROM a AS build\nFROM ${BASE}\nRUN apt-get install -y --no-install-recommends zlib1g \\\n    && true\n"
        shown = {"identity": "x", "dependencies": [{"identity": "swift-nio", "dependencies": []}]}

        def made() -> dict:
            return bill(build, checkouts, top / "state.json", shown, dockerfile, "1.0.0")

        document = made()
        assert problems(document) == [], problems(document)
        assert document == made()
        nio = document["components"][0]
        assert nio["purl"] == "pkg:swift/a.example/swift-nio@2.0.0" and nio["licenses"] == [{"license": {"id": "Apache-2.0"}}], nio
        assert nio["components"][0]["name"] == "llhttp" and nio["components"][0]["version"] == "9.3.0", nio
        assert [part["name"] for part in document["components"]] == ["swift-nio", "swift-runtime", "debian", "zlib1g"], document
        (checkouts / "swift-nio/LICENSE.txt").write_text("All rights reserved\n", encoding="utf-8")
        assert any("no licence" in line for line in problems(made()))
        broken = made()
        broken["dependencies"][0]["dependsOn"].append("pkg:swift/nothing")
        assert any("not there" in line for line in problems(broken))
        listed = build / "cloud-mirror.product/Objects.LinkFileList"
        listed.write_text(listed.read_text(encoding="utf-8") + "/x/.build/debug/Stranger.build/d.o\n", encoding="utf-8")
        try:
            made()
        except Unknown:
            return
        raise AssertionError("a module of nobody was taken")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
