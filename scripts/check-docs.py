#!/usr/bin/env python3
"""Fails if a public symbol of a library product has no documentation comment, neither its own nor that of the protocol requirement that it implements.

Extracts the symbols from the modules of a debug build. An initializer that only sets the properties of its type needs no comment.
usage: check-docs.py BUILD [OUTPUT] | --self-test      BUILD: the output of `swift build --show-bin-path`; OUTPUT: where to keep the graphs
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlparse

ROOT = Path(__file__).resolve().parent.parent

# Compiler arguments for finding the modules of dependencies, including those in C; each has a value.
PLACES = ("-target", "-sdk", "-F", "-I", "-Xcc")


def products(manifest: str) -> list[str]:
    """The library products, in the order of the manifest. Each is a module of the same name."""
    return re.findall(r'^ +\.library\(name: "(\w+)"', manifest, re.MULTILINE)


def extract(build: Path, modules: list[str], output: Path) -> dict[str, list[dict]]:
    """Writes the symbol graphs of each module into a folder named after it, and returns them."""
    description = json.loads((build / "description.json").read_text(encoding="utf-8"))
    commands = {command["moduleName"]: command for command in description["swiftCommands"].values()}
    graphs = {}
    for module in modules:
        folder = output / module
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run(
            ["swift", "symbolgraph-extract", "-module-name", module, "-minimum-access-level", "public", "-skip-synthesized-members",
             "-emit-extension-block-symbols", "-I", str(build / "Modules"), "-module-cache-path", str(build / "ModuleCache"),
             *places(commands[module]["otherArguments"]), "-output-dir", str(folder)], check=True)
        graphs[module] = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.symbols.json"))]
    return graphs


def places(arguments: list[str]) -> list[str]:
    found = []
    rest = iter(arguments)
    for flag in rest:
        if flag in PLACES:
            found += [flag, next(rest)]
    return found


def undocumented(graphs: list[dict]) -> list[str]:
    found = []
    for graph in graphs:
        properties = {tuple(symbol["pathComponents"]) for symbol in graph["symbols"] if symbol["kind"]["identifier"] == "swift.property"}
        for symbol in graph["symbols"]:
            path, kind = symbol["pathComponents"], symbol["kind"]["identifier"]
            parameters = symbol.get("functionSignature", {}).get("parameters", [])
            takes_properties = kind == "swift.init" and parameters and all((*path[:-1], one["name"]) in properties for one in parameters)
            if "docComment" not in symbol and kind != "swift.extension" and not takes_properties:
                found.append((*place(symbol), f"{'.'.join(path)} is public and has no comment; write one, or make it package"))
    return [f"{file}:{line}: {message}" for file, line, message in sorted(found)]


def place(symbol: dict) -> tuple[str, int]:
    location = symbol.get("location")
    if location is None:
        return "unknown", 0
    file = Path(unquote(urlparse(location["uri"]).path))
    return str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file), location["position"]["line"] + 1


def self_test() -> None:
    manifest = 'products: [\n        .library(name: "A", targets: ["A"]),\n        .executable(name: "b", targets: ["b"]),\n    ]\n'
    assert products(manifest) == ["A"], products(manifest)
    assert places(["-O", "-Xcc", "-I", "-Xcc", "/c", "-target", "t", "-g"]) == ["-Xcc", "-I", "-Xcc", "/c", "-target", "t"]

    def symbol(kind: str, path: str, comment: str | None = None, parameters: str = "") -> dict:
        made = {
            "kind": {"identifier": kind}, "pathComponents": path.split("."),
            "location": {"uri": f"file://{ROOT}/Sources/A/a%20b.swift", "position": {"line": 6, "character": 0}},
            "functionSignature": {"parameters": [{"name": name} for name in parameters.split()]},
        }
        return made if comment is None else made | {"docComment": {"lines": [{"text": comment}]}}

    documented = [symbol("swift.struct", "A", "An a."), symbol("swift.property", "A.b", "Bytes."), symbol("swift.extension", "Array")]
    cases = [
        (symbol("swift.property", "A.c"), "Sources/A/a b.swift:7: A.c is public"),
        (symbol("swift.enum.case", "A.c"), "A.c is public"),
        (symbol("swift.method", "A.c(_:)", parameters="b"), "A.c(_:) is public"),
        (symbol("swift.init", "A.init(_:c:)", parameters="b c"), "A.init(_:c:) is public"),
        (symbol("swift.init", "A.init()"), "A.init() is public"),
        (symbol("swift.init", "A.init(_:)", parameters="b"), None),
        (symbol("swift.method", "A.c(_:)", "Does so.", parameters="b"), None),
    ]
    for made, expected in cases:
        found = undocumented([{"symbols": [*documented, made]}])
        if expected is None:
            assert found == [], found
        else:
            assert len(found) == 1 and expected in found[0], (expected, found)


def main(arguments: list[str]) -> int:
    if arguments == ["--self-test"]:
        self_test()
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(arguments[1] if len(arguments) > 1 else temporary)
        modules = products((ROOT / "Package.swift").read_text(encoding="utf-8"))
        graphs = extract(Path(arguments[0]), modules, output)
    found = [line for module in modules for line in undocumented(graphs[module])]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
