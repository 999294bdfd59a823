#!/usr/bin/env python3
"""Fails on what must not be in the tree: constructs that crash or bypass checks, files that are too long, paths of one machine.

usage: check-source.py [ROOT] | --self-test
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from swift_source import code_only, swift_files  # noqa: E402

# Pattern, folders, reason.
CONSTRUCTS = [
    (r"\btry!", ("Sources", "Tests", "Examples"), "try! crashes on an error; handle it or let it pass on"),
    (r"\bas!", ("Sources", "Tests", "Examples"), "as! crashes on a wrong type"),
    (r"\bfatalError\s*\(", ("Sources", "Examples"), "fatalError ends the service; throw an error"),
    (r"\bpreconditionFailure\s*\(", ("Sources", "Examples"), "preconditionFailure ends the service; throw an error"),
    (r"@unchecked\s+Sendable", ("Sources", "Tests", "Examples"), "@unchecked Sendable takes the compiler's check away"),
    (r"\bnonisolated\(unsafe\)", ("Sources", "Tests", "Examples"), "nonisolated(unsafe) takes the compiler's check away"),
    (r"\bJSONDecoder\s*\(", ("Sources", "Examples"), "JSONDecoder ends the process at many levels; use ForeignJSON"),
    (r"\bTask\.detached\b", ("Sources", "Examples"), "a detached task outlives who waits for it; use a task group or a service"),
]

# The command line prints; a library logs.
PRINTS = re.compile(r"(?<![.\w])print\s*\(")
PRINT_ALLOWED = {"CloudMirror"}

# A folder in a home or a checkout reveals where the author worked, and is wrong everywhere else. Placeholder homes such as /home/me are allowed.
MACHINE_PATH = re.compile(r"(?<![\w.\-/~${}])/(?:home|Users|root|work|workspace)/(?!(?:me|you|user|someone)\b)\w")

# A to-do without a place where it is tracked is forgotten.
UNTRACKED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b(?!\s*\(#\d+\))")

# Where a construct is kept from others.
KEPT_IN = {
    "Sources/MirrorCore/Encoding/ForeignJSON.swift": "JSONDecoder(",
    "Sources/MirrorCore/Concurrency/SleepQueue.swift": "Task.detached",
}

LINE_LIMIT = 500


def swift_problems(root: Path) -> list[str]:
    found = []
    for folder in ("Sources", "Tests", "Examples"):
        if not (root / folder).is_dir():
            continue
        for path in swift_files(root / folder):
            name = path.relative_to(root)
            text = path.read_text(encoding="utf-8")
            code = code_only(text)
            for pattern, folders, why in CONSTRUCTS:
                if folder in folders:
                    uses = (match for match in re.finditer(pattern, code) if match.group() != KEPT_IN.get(str(name)))
                    found += [f"{name}:{_line(code, match)}: {why}" for match in uses]
            if folder == "Sources" and name.parts[1] not in PRINT_ALLOWED:
                found += [f"{name}:{_line(code, match)}: print in a library; log instead" for match in PRINTS.finditer(code)]
            lines = text.count("\n")
            if lines > LINE_LIMIT:
                found.append(f"{name}: {lines} lines; split it (at most {LINE_LIMIT})")
    return found


def text_problems(root: Path, names: list[str]) -> list[str]:
    found = []
    for name in names:
        path = root / name
        if name == "scripts/check-source.py" or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{_line(text, match)}: a path of one machine" for match in MACHINE_PATH.finditer(text)]
        if name != "CONTRIBUTING.md":
            found += [f"{name}:{_line(text, match)}: {match.group()} without a place where it is tracked" for match in UNTRACKED.finditer(text)]
    return found


def tracked(root: Path) -> list[str]:
    """Files that git tracks or would track."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in output.split("\0") if name)


def _line(text: str, match: re.Match) -> int:
    return text.count("\n", 0, match.start()) + 1


def self_test() -> None:
    swift = [
        ("Sources/MirrorCore", "let a = try! b()\n", "try!"),
        ("Sources/MirrorCore", 'fatalError("x")\n', "fatalError"),
        ("Sources/MirrorCore", "final class A: @unchecked Sendable {}\n", "@unchecked"),
        ("Sources/MirrorCore", "print(a)\n", "print in a library"),
        ("Sources/MirrorCore", "let a = 1\n" * 501, "split it"),
        ("Tests/MirrorCoreTests", "let a = b as! C\n", "as!"),
        ("Sources/CloudMirror", "print(a)\n", None),
        ("Sources/MirrorCore", '// try! here\nlet a = "fatalError(x)"\nfunc fingerprint(a: Int) {}\n', None),
    ]
    for folder, source, expected in swift:
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / folder).mkdir(parents=True)
            (Path(name) / folder / "File.swift").write_text(source, encoding="utf-8")
            _expect(swift_problems(Path(name)), expected, source)
    texts = [
        ("see /home/somebody/file\n", "one machine"),
        ("// TODO: later\n", "tracked"),
        ("// TODO(#12): later\nGET /v1/work/a, https://example.org/home/x, ${HOME}/root/a, /home/me/b\n", None),
    ]
    for text, expected in texts:
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "a.md").write_text(text, encoding="utf-8")
            _expect(text_problems(Path(name), ["a.md"]), expected, text)


def _expect(found: list[str], expected: str | None, source: str) -> None:
    if expected is None:
        assert found == [], (source[:80], found)
    else:
        assert len(found) == 1 and expected in found[0], (source[:80], found)


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = swift_problems(root) + text_problems(root, tracked(root))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
