#!/usr/bin/env python3
"""Fails if a module imports one above or next to it, imports a third-party module that is not for its layer, or names a service of another module.

The tables below define the layers. A new module has to be added to them first.
usage: check-layers.py [ROOT] | --self-test
"""

import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from swift_source import imports, swift_files  # noqa: E402

# Each module with the modules of ours that it may import, bottom first.
LAYERS = {
    "CChecksums": set(),
    "CResources": set(),
    "CLibrary": set(),
    "MirrorCore": {"CLibrary", "CChecksums", "CResources"},
    "CProcess": set(),
    "CUnicodeData": set(),
    "MirrorSystem": {"CProcess", "CLibrary", "MirrorCore"},
    "CloudRegions": {"CLibrary", "MirrorCore"},
    "CZlib": set(),
    "Retention": {"CLibrary", "MirrorCore"},
    "MirrorNet": {"MirrorSystem", "MirrorCore"},
    "MirrorSettings": {"MirrorSystem", "MirrorCore"},
    "MirrorTracing": {"MirrorSettings", "MirrorNet", "MirrorCore"},
    "NamedOrigins": {"MirrorSettings", "MirrorNet", "MirrorSystem", "CZlib", "MirrorCore"},
    "MirrorStorage": {"MirrorSettings", "MirrorNet", "MirrorSystem", "MirrorCore"},
    "StorageLocal": {"MirrorStorage", "MirrorSettings", "MirrorSystem", "MirrorCore"},
    "StorageCloud": {"MirrorStorage", "MirrorNet", "MirrorSystem", "CLibrary", "MirrorCore"},
    "StorageS3": {"StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorCore"},
    "StorageGCS": {"StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorCore"},
    "StorageAzure": {"StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorCore"},
    "MirrorState": {"Retention", "MirrorSystem", "MirrorCore"},
    "StateSQLite": {"MirrorState", "MirrorSystem", "MirrorCore"},
    "RedisClient": {"CLibrary"},
    "StateRedis": {"RedisClient", "MirrorState", "MirrorCore"},
    "MirrorEngine": {
        "NamedOrigins", "MirrorTracing", "MirrorStorage", "MirrorState", "MirrorSettings", "MirrorNet", "Retention", "CloudRegions", "MirrorCore",
    },
    "MirrorViews": {"MirrorCore"},
    "MirrorServer": {
        "MirrorViews", "MirrorEngine", "NamedOrigins", "MirrorTracing", "MirrorStorage", "MirrorState", "MirrorSettings", "MirrorNet", "CloudRegions",
        "MirrorSystem", "CLibrary", "MirrorCore",
    },
    "MirrorNode": {
        "MirrorServer", "MirrorEngine", "NamedOrigins", "MirrorTracing", "StorageLocal", "StateSQLite", "StateRedis", "RedisClient", "MirrorStorage",
        "MirrorState", "MirrorSettings", "MirrorNet", "Retention", "CloudRegions", "MirrorSystem", "MirrorCore",
    },
    "CloudMirror": {
        "MirrorNode", "NamedOrigins", "Retention", "CZlib", "StorageLocal", "StorageS3", "StorageGCS", "StorageAzure", "MirrorStorage", "MirrorSettings",
        "MirrorNet", "CloudRegions", "MirrorSystem", "MirrorCore",
    },
    "cloud-mirror": {"CloudMirror"},
    "MirrorTesting": {"MirrorStorage", "MirrorState", "Retention", "MirrorSystem", "MirrorCore"},
    # Lies next to the tests; only they may import it.
    "TestServers": set(),
}

# Third-party modules (a trailing * matches any ending), and the only modules of ours that may import them.
# Every module except MirrorCore may import the modules that are not listed.
THIRD_PARTY = {
    "Hummingbird*": {"MirrorServer", "MirrorNode"},
    "AsyncHTTPClient": {"MirrorNet", "CloudMirror"},
    "GRDB*": {"StateSQLite"},
    "SQLite*": {"StateSQLite"},
    "Mustache": {"MirrorViews"},
    "Yams": {"MirrorNode"},
    "ArgumentParser": {"CloudMirror"},
    # The executable has none of the data that these need: docs/decisions/0048-size-of-the-executable.md. FoundationEssentials does without.
    **dict.fromkeys(("Foundation", "FoundationInternationalization", "FoundationNetworking", "FoundationXML"), set()),
    # What others record with it becomes part of the mirror's traces; the mirror's own modules record with MirrorTracing.
    "Tracing": {"MirrorTracing"},
    # The C library has one name on all platforms. Calls that more than one module needs are in MirrorSystem.
    **dict.fromkeys(("Glibc", "Musl", "Darwin"), {"CLibrary"}),
}

# Only these folders and files in Sources/ may contain the word S3, whether in code, strings, comments or file names: everything else has to work for
# any service.
MAY_SAY_S3 = ("StorageS3", "CloudMirror/StandardServices.swift")

# The bottom layer does no I/O, so it may not import modules for it. It needs the C library for the clock and for parsing addresses.
# Where there is no FoundationEssentials: what of Foundation does no I/O.
CORE_MAY_IMPORT_OF_FOUNDATION = {"import class Foundation.JSONDecoder", "import struct Foundation.Data"}
CORE_MAY_IMPORT = {"Swift", "SwiftOverlayShims", "Synchronization", "DequeModule", "HeapModule", "Crypto", "FoundationEssentials"}
SYSTEM_MAY_IMPORT = {"Swift"}


def violations(root: Path) -> list[str]:
    found = []
    folders = sorted(path for path in (root / "Sources").iterdir() if path.is_dir())
    for folder in folders:
        module = folder.name
        if module not in LAYERS:
            found.append(f"Sources/{module}: has no place among the layers; give it one in scripts/check-layers.py")
            continue
        for path in swift_files(folder):
            text = path.read_text(encoding="utf-8")
            for line, imported in imports(text):
                if _is_fallback(module, text.splitlines(), line):
                    continue
                problem = _problem(module, imported)
                if problem:
                    found.append(f"{path.relative_to(root)}:{line}: {problem}")
    return found + _words(root)


def _is_fallback(module: str, lines: list[str], line: int) -> bool:
    """Whether the import in this line is of Foundation, and only for platforms that have no FoundationEssentials."""
    text = lines[line - 1].strip()
    if text not in CORE_MAY_IMPORT_OF_FOUNDATION and (text != "import Foundation" or module in ("MirrorCore", "MirrorSystem")):
        return False
    conditions = [other.strip() for other in lines[: line - 1] if other.strip().startswith("#")]
    return conditions[-2:] == ["#if canImport(FoundationEssentials)", "#else"]


def _words(root: Path) -> list[str]:
    found = []
    for path in sorted(path for path in (root / "Sources").rglob("*") if path.is_file()):
        name = path.relative_to(root / "Sources")
        if any(name.is_relative_to(allowed) for allowed in MAY_SAY_S3):
            continue
        # What is no text has no words.
        lines = path.read_text(encoding="utf-8").splitlines() if path.suffix != ".bin" else []
        places = [f":{number}" for number, line in enumerate(lines, 1) if "S3" in line] + ([""] if "S3" in str(name) else [])
        found += [f"Sources/{name}{place}: says S3, which is for {', '.join(MAY_SAY_S3)} only" for place in places]
    return found


def _problem(module: str, imported: str) -> str | None:
    if imported == module:
        return None
    if imported in LAYERS:
        return None if imported in LAYERS[module] else f"{module} must not import {imported}: imports point down only"
    if module == "MirrorCore":
        return None if imported in CORE_MAY_IMPORT else f"MirrorCore must not import {imported}: it does no I/O"
    if module == "MirrorSystem":
        return None if imported in SYSTEM_MAY_IMPORT else f"MirrorSystem must not import {imported}: it is the C library in Swift"
    for name, importers in THIRD_PARTY.items():
        matches = imported.startswith(name[:-1]) if name.endswith("*") else imported == name
        if matches and module not in importers:
            return f"{module} must not import {imported}: only {', '.join(sorted(importers)) or 'nobody'} may"
    return None


def self_test() -> None:
    """Builds small trees and checks that each kind of violation is reported, and nothing else."""
    cases = [
        ("MirrorCore", "import MirrorEngine\n", "imports point down only"),
        ("MirrorStorage", "public import MirrorState\n", "imports point down only"),
        ("StorageLocal", "@_spi(Testing) package import StateSQLite\n", "imports point down only"),
        ("MirrorEngine", "import struct MirrorServer.Routes\n", "imports point down only"),
        ("MirrorTesting", "import TestServers\n", "imports point down only"),
        ("MirrorEngine", "import Hummingbird\n", "must not import Hummingbird"),
        ("StorageLocal", "@preconcurrency import HummingbirdCore\n", "must not import HummingbirdCore"),
        ("StateSQLite", "import Hummingbird\n", "must not import Hummingbird"),
        ("MirrorCore", "import NIOPosix\n", "it does no I/O"),
        ("MirrorSystem", "import NIOCore\n", "it is the C library in Swift"),
        ("StorageLocal", "import Glibc\n", "must not import Glibc"),
        ("MirrorServer", "import Foundation\n", "must not import Foundation"),
        ("MirrorServer", "import struct Foundation.Date\n", "must not import Foundation"),
        ("MirrorServer", "import FoundationInternationalization\n", "must not import FoundationInternationalization"),
        ("MirrorCore", "import class Foundation.JSONDecoder\n", "it does no I/O"),
        ("MirrorServer", "#if canImport(FoundationEssentials)\nimport FoundationEssentials\n#else\nimport Foundation\n#endif\n", None),
        ("Unheard", "", "has no place among the layers"),
        ("StorageCloud", "struct S3Thing {}\n", "says S3"),
        ("MirrorEngine", 'let text = "a bucket of S3"\n', "says S3"),
        ("MirrorCore", "/// As S3 has it.\n", "says S3"),
        ("StorageS3", "import StorageCloud\nstruct S3Thing {}\n", None),
        ("MirrorCore", 'let s3 = "s3://bucket/key"\n', None),
        ("MirrorEngine", "import MirrorCore\npackage import MirrorStorage\nimport NIOCore\n", None),
        ("MirrorCore", '// import MirrorEngine\n/* import MirrorServer */\nlet text = """\nimport CloudMirror\n"""\n', None),
    ]
    for module, source, expected in cases:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "Sources" / module / "Sub" / "File.swift"
            file.parent.mkdir(parents=True)
            file.write_text("// A file.\n" + source, encoding="utf-8")
            found = violations(Path(name))
            if expected is None:
                assert found == [], (source, found)
            else:
                assert len(found) == 1 and expected in found[0], (module, source, found)
                assert "Sub/File.swift:2" in found[0] or module == "Unheard", found


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = violations(root)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
