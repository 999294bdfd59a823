#!/usr/bin/env python3
"""Fails if the documentation names something that is not there: a file, a heading, a target of `make`, a key of the configuration or another default for one,
a figure that docs/benchmarks.md does not have.

Commands and their options are compared with the executable by a test (CommandHelpTests), metrics by others.
usage: check-mentions.py [ROOT] | --self-test
"""

import re
import sys
import tempfile
from pathlib import Path

FOLDERS = ("Sources/", "Tests/", "Benchmarks/", "Examples/", "config/", "deploy/", "docs/", "scripts/", ".ci/")
UNITS = {"min": "m", "minute": "m", "minutes": "m", "seconds": "s", "hours": "h", "days": "d"}


def documents(root: Path) -> list[Path]:
    return [path for path in [*sorted(root.glob("*.md")), *sorted(root.glob("docs/**/*.md"))] if path.is_file()]


def spans(text: str) -> list[str]:
    """What stands in code within sentences, on one line."""
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", without_blocks(text))]


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


# ---- Links and files


def anchors(text: str) -> set[str]:
    """Those that GitHub makes of headings."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ +(.*)$", without_blocks(text), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
        if found[anchor]:
            found[f"{anchor}-{found[anchor]}"] = 0
    return set(found)


def link_problems(path: Path, text: str) -> list[str]:
    found = []
    for target in re.findall(r"\]\(([^()\s]+)\)", without_blocks(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        if not file.exists():
            found.append(f"links to {target}, which is not there")
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            found.append(f"links to {target}, which has no such heading")
    return found


def file_problems(root: Path, text: str) -> list[str]:
    found = []
    for span in spans(text):
        name = span.split(" ")[0].removeprefix("./")
        # Names with a placeholder stand for others.
        if not name.startswith(FOLDERS) or re.search(r"\b(?:FILE|NAME|VERSION)\b|[<>{}…]", name):
            continue
        if not (list(root.glob(name)) if "*" in name else (root / name).exists()):
            found.append(f"names {name}, which is not there")
    return found


# ---- Targets of make


def target_problems(root: Path, text: str) -> list[str]:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    blocks = re.findall(r"^```.*?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = spans(text) + [line for block in blocks for line in block.splitlines()]
    named = [word for line in lines for words in re.findall(r"^make ([a-z][a-z -]*)", line) for word in words.split()[: 2 if "#" not in line else 1]]
    return [f"names `make {word}`, which the Makefile does not have" for word in named if word not in targets]


# ---- Keys of the configuration


def settings(root: Path) -> tuple[dict[str, str], set[str]]:
    """Each key of docs/configuration.md with its default, and the sections. What all kinds of pools have has no name of a pool."""
    defaults: dict[str, str] = {}
    sections: set[str] = set()
    section = ""
    for line in (root / "docs/configuration.md").read_text(encoding="utf-8").splitlines():
        heading = re.match(r"## (?:`([^`]+)`)?", line)
        key = re.match(r"\| `([A-Za-z]+)` \| [^|]* \| ([^|]*) \|", line)
        if heading:
            section = re.sub(r"^pools\.[^.]+/[^.]+\.?", "", heading.group(1) or "")
            sections.add(section)
        elif key:
            defaults.setdefault(f"{section}.{key.group(1)}".lstrip("."), key.group(2).strip().strip("`"))
    return defaults, sections


def kinds(root: Path) -> set[str]:
    """Kinds of errors, which look like keys."""
    operations = root / "docs/operations.md"
    table = re.search(r"<!-- error kinds.*?-->(.*?)<!--", operations.read_text(encoding="utf-8"), re.DOTALL) if operations.exists() else None
    return set(re.findall(r"`([a-z]+\.[A-Za-z]+)`", table.group(1))) if table else set()


def key_problems(defaults: dict[str, str], sections: set[str], errors: set[str], text: str) -> list[str]:
    found = []
    tops = {key.split(".")[0] for key in [*defaults, *sections] if "." in key} | {section for section in sections if section}
    for span in spans(text):
        key = re.fullmatch(r"([a-z][A-Za-z]*(?:\.[a-z][A-Za-z]+)+)(?:: .*)?", span)
        if not key or key.group(1).split(".")[0] not in tops:
            continue
        if key.group(1) not in defaults and key.group(1) not in sections and key.group(1) not in errors:
            found.append(f"names the key {key.group(1)}, which docs/configuration.md does not have")
    for key, said in re.findall(r"`([a-z][A-Za-z]*(?:\.[a-z][A-Za-z]+)+)`,? \((\d[\d,]*(?: [A-Za-z]+)?)(?: by default)?\)", " ".join(text.split())):
        number, _, unit = said.replace(",", "").partition(" ")
        if key in defaults and defaults[key] != number + UNITS.get(unit, unit):
            found.append(f"says that {key} is {said}; by docs/configuration.md it is {defaults[key]}")
    return found


# ---- Figures

# The tables that repeat figures of docs/benchmarks.md.
FIGURES = {"README.md": "Figures", "docs/operations.md": "Capacity"}


def numbers(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text))


def figure_problems(root: Path) -> list[str]:
    source = root / "docs/benchmarks.md"
    known = numbers(source.read_text(encoding="utf-8")) if source.exists() else set()
    found = []
    for name, heading in FIGURES.items():
        section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", (root / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        rows = re.findall(r"^\|.*$", section.group(1), re.MULTILINE) if section else []
        found += [f"{name}: the figure {number} is not in docs/benchmarks.md" for number in sorted(numbers("\n".join(rows)) - known)]
    return found


# ---- All of it


def problems(root: Path) -> list[str]:
    defaults, sections = settings(root)
    errors = kinds(root)
    found = figure_problems(root)
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        own = link_problems(path, text) + file_problems(root, text) + target_problems(root, text) + key_problems(defaults, sections, errors, text)
        found += [f"{path.relative_to(root)}: {problem}" for problem in dict.fromkeys(own)]
    return found


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def self_test() -> None:
    """A small tree in which everything is there, and changes of it that are found."""
    good = {
        "README.md": "# A\n\n## Figures\n\n| redirects | 1,234 | 0.5 |\n\n## B\n\n| 7 |\n\nSee [more](docs/operations.md#the-log-of-requests), `scripts/a.sh ARGUMENT` and `make test`.\n\n```\nmake test   # all\n```\n",
        "docs/operations.md": "# B\n\n### The log of requests\n\n[up](../README.md#a), `copy.lease` (15 s), `copy`, `copy.failed`, `redirect.hop: 3s`, `Sources/*/x.swift`.\n"
        "<!-- error kinds -->\n| `copy.failed` |\n<!-- /error kinds -->\n",
        "docs/benchmarks.md": "| redirects | 1,234 | 0.5 |\n",
        "docs/configuration.md": "## Top-level keys\n\n## `copy`\n\n| `lease` | duration | `15s` | M. |\n\n## `redirect`\n\n| `hop` | duration | `8s` | M. |\n",
        "Makefile": "test: ## run\n",
        "scripts/a.sh": "",
        "Sources/A/x.swift": "",
    }
    changes = [
        ("README.md", "docs/operations.md#", "docs/operation.md#", "docs/operation.md#the-log-of-requests, which is not there"),
        ("README.md", "the-log-of-requests", "the-log", "has no such heading"),
        ("README.md", "scripts/a.sh", "scripts/b.sh", "names scripts/b.sh"),
        ("README.md", "`make test`", "`make tests`", "names `make tests`"),
        ("README.md", "make test   #", "make attack   #", "names `make attack`"),
        ("docs/operations.md", "Sources/*/x.swift", "Sources/*/y.swift", "names Sources/*/y.swift"),
        ("docs/operations.md", "redirect.hop: 3s", "redirect.hops: 3s", "the key redirect.hops"),
        ("docs/operations.md", "(15 s)", "(16 s)", "by docs/configuration.md it is 15s"),
        ("README.md", "| 1,234 |", "| 1,235 |", "the figure 1,235"),
        ("docs/operations.md", "`copy.failed`, ", "`copy.fails`, ", "the key copy.fails"),
    ]
    assert self_test_problems(good) == [], self_test_problems(good)
    for name, old, new, expected in changes:
        assert old in good[name], (name, old)
        found = self_test_problems(good | {name: good[name].replace(old, new)})
        assert len(found) == 1 and expected in found[0], (new, found)


def self_test_problems(files: dict[str, str]) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        for path, text in files.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_text(text, encoding="utf-8")
        return problems(Path(name))


if __name__ == "__main__":
    sys.exit(main())
