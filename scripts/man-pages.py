#!/usr/bin/env python3
"""Writes the manual pages of an executable: one for each command, from what it says about its options, and one for the configuration file.

usage: man-pages.py EXECUTABLE DIRECTORY | --self-test
"""

import json
import re
import subprocess
import sys
from pathlib import Path

SUMMARY = "copies artifacts into this region on first request"


def escape(text: str) -> str:
    """Text within a line, as roff reads it: no character begins an escape."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("’", "'")


def guarded(line: str) -> str:
    """A line that begins no request."""
    return re.sub(r"^([.'])", r"\\&\1", line)


def inline(text: str) -> str:
    """Markdown within a line: code is bold, and of a link its text stays."""
    text = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"`([^`]+)`|\*\*([^*]+)\*\*", text)
    out = ""
    for index in range(0, len(parts), 3):
        out += escape(parts[index])
        strong = next((part for part in parts[index + 1 : index + 3] if part), None)
        if strong:
            out += f"\\fB{escape(strong)}\\fR"
    return guarded(out)


def header(name: str, section: int, version: str) -> str:
    return f'.TH {escape(name.upper())} {section} "" "cloud\\-mirror {escape(version)}" "cloud\\-mirror"\n'


# ---- Commands


def option_title(argument: dict) -> str:
    value = argument.get("valueName", "")
    if argument["kind"] == "positional":
        return f"\\fI{escape(value)}\\fR"
    names = [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument["names"]]
    title = ", ".join(f"\\fB{escape(name)}\\fR" for name in names)
    return f"{title} \\fI{escape(value)}\\fR" if argument["kind"] == "option" else title


def option_text(argument: dict) -> str:
    text = argument.get("abstract", "")
    if argument.get("allValues"):
        text += f" One of: {', '.join(argument['allValues'])}."
    if argument.get("defaultValue") and "default" not in text:
        text += f" (default: {argument['defaultValue']})"
    return inline(text.strip())


def synopsis(name: str, command: dict) -> str:
    words = [f"\\fB{escape(name)}\\fR"]
    arguments = shown(command)
    if any(argument["kind"] != "positional" for argument in arguments):
        words.append("[\\fIoptions\\fR]")
    for argument in arguments:
        if argument["kind"] == "positional":
            word = f"\\fI{escape(argument['valueName'])}\\fR" + (" ..." if argument["isRepeating"] else "")
            words.append(f"[{word}]" if argument["isOptional"] else word)
    if subcommands(command):
        words.append("\\fIcommand\\fR")
    return " ".join(words)


def shown(command: dict) -> list[dict]:
    return [argument for argument in command.get("arguments", []) if argument["shouldDisplay"]]


def subcommands(command: dict) -> list[dict]:
    return [sub for sub in command.get("subcommands", []) if sub["shouldDisplay"] and sub["commandName"] != "help"]


def command_pages(path: list[str], command: dict, version: str) -> dict[str, str]:
    """The page of a command and those below it, by file name."""
    name, words = "-".join(path), " ".join(path)
    abstract = command.get("abstract", SUMMARY).strip().rstrip(".")
    text = header(name, 1, version)
    text += f".SH NAME\n{escape(name)} \\- {escape(abstract[:1].lower() + abstract[1:])}\n"
    text += f".SH SYNOPSIS\n{synopsis(words, command)}\n"
    discussion, _, codes = command.get("discussion", "").partition("Exit codes:\n")
    if discussion.strip():
        text += ".SH DESCRIPTION\n" + "\n.PP\n".join(paragraph(part) for part in discussion.strip().split("\n\n")) + "\n"
    if shown(command):
        text += ".SH OPTIONS\n"
        text += "".join(f".TP\n{option_title(argument)}\n{option_text(argument) or '.br'}\n" for argument in shown(command))
    children = subcommands(command)
    if children:
        text += ".SH COMMANDS\n"
        text += "".join(f".TP\n\\fB{escape(name)}\\-{escape(child['commandName'])}\\fR(1)\n{inline(child['abstract'])}\n" for child in children)
    if codes:
        text += ".SH EXIT STATUS\n"
        text += "".join(f".TP\n\\fB{code}\\fR\n{inline(meaning)}\n" for code, meaning in re.findall(r"^ *(\d+)  (.*)$", codes, re.MULTILINE))
    text += ".SH SEE ALSO\n" + ("" if len(path) == 1 else ".BR cloud\\-mirror (1),\n") + ".BR cloud\\-mirror.yaml (5)\n"
    pages = {f"{name}.1": text}
    for child in children:
        pages |= command_pages([*path, child["commandName"]], child, version)
    return pages


def paragraph(text: str) -> str:
    """What is indented is an example, and stays as it is."""
    if text.startswith("  "):
        return ".EX\n" + "\n".join(guarded(escape(line)) for line in text.splitlines()) + "\n.EE"
    return inline(" ".join(text.split("\n")))


# ---- The configuration file


def configuration_page(reference: str, version: str) -> str:
    text = header("cloud-mirror.yaml", 5, version)
    text += ".SH NAME\ncloud\\-mirror.yaml \\- configuration of cloud\\-mirror\n.SH DESCRIPTION\n"
    reference = re.sub(r"<!--.*?-->\n?", "", reference, flags=re.DOTALL)
    paragraph: list[str] = []
    is_code = False

    def flush() -> str:
        nonlocal paragraph
        out = f".PP\n{inline(' '.join(paragraph))}\n" if paragraph else ""
        paragraph = []
        return out

    for line in reference.splitlines():
        if line.startswith("```"):
            text += flush() + (".EE\n" if is_code else ".PP\n.EX\n")
            is_code = not is_code
        elif is_code:
            text += guarded(escape(line)) + "\n"
        elif line.startswith("# "):
            continue
        elif line.startswith("#"):
            text += flush() + f".SH {inline(line.lstrip('# ')).upper() if '`' not in line else inline(line.lstrip('# '))}\n"
        elif line.startswith("- "):
            text += flush() + f".IP \\(bu 2\n{inline(line[2:])}\n"
        elif line.startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if len(cells) < 2 or cells[0] in ("key", "---") or set(cells[0]) <= {"-"}:
                text += flush()
                continue
            title = inline(cells[0]) + (f" ({inline(cells[1])}, default: {inline(cells[2])})" if len(cells) >= 4 else "")
            text += f".TP\n{title}\n{inline(cells[-1]) or '.br'}\n"
        elif line.strip():
            paragraph.append(line.strip())
        else:
            text += flush()
    text += flush()
    return text + ".SH SEE ALSO\n.BR cloud\\-mirror (1)\n"


# ---- All of it


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    executable, folder = sys.argv[1], Path(sys.argv[2])

    def ask(*arguments: str) -> str:
        return subprocess.run([executable, *arguments], check=True, capture_output=True, text=True).stdout

    version = ask("--version").strip()
    command = json.loads(ask("--experimental-dump-help"))["command"]
    pages = command_pages(["cloud-mirror"], command, version)
    pages["cloud-mirror.yaml.5"] = configuration_page(ask("generate", "configuration-reference"), version)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


def self_test() -> None:
    option = {
        "kind": "option", "names": [{"kind": "short", "name": "o"}, {"kind": "long", "name": "out-put"}], "valueName": "file",
        "abstract": ".dots and 'quotes' and a \\ and `code`.", "shouldDisplay": True, "isRepeating": False, "isOptional": True,
    }
    hidden = {**option, "shouldDisplay": False, "names": [{"kind": "long", "name": "secret"}]}
    url = {"kind": "positional", "valueName": "url", "abstract": "It.", "shouldDisplay": True, "isRepeating": True, "isOptional": False}
    help_command = {"commandName": "help", "shouldDisplay": True, "abstract": "Help."}
    inner = {"commandName": "inner", "shouldDisplay": True, "abstract": "Do it.", "arguments": [option, hidden, url], "discussion": "One.\n\n  example -x\n\nTwo.\n\nExit codes:\n   1  failed\n  64  it is wrong"}
    outer = {"commandName": "outer", "abstract": "All.", "arguments": [], "subcommands": [inner, help_command], "shouldDisplay": True}
    pages = command_pages(["outer"], outer, "1.0")
    assert set(pages) == {"outer.1", "outer-inner.1"}, set(pages)
    page = pages["outer-inner.1"]
    assert "outer\\-inner \\- do it\n" in page
    assert "\\fBouter inner\\fR [\\fIoptions\\fR] \\fIurl\\fR ...\n" in page
    assert "\\fB\\-o\\fR, \\fB\\-\\-out\\-put\\fR \\fIfile\\fR\n\\&.dots and 'quotes' and a \\e and \\fBcode\\fR." in page
    assert "One.\n.PP\n.EX\n  example \\-x\n.EE\n.PP\nTwo.\n" in page and "secret" not in page
    assert ".SH EXIT STATUS\n.TP\n\\fB1\\fR\nfailed\n.TP\n\\fB64\\fR\nit is wrong\n.SH SEE" in page
    yaml = configuration_page("# T\n\n<!-- x -->\nText `a`\ngoes on.\n\n- **B** c\n\n## `tls`\n\n| key | value | default | meaning |\n|---|---|---|---|\n| `k` | a \\| b | 1 | M. |\n", "1")
    assert ".PP\nText \\fBa\\fR goes on.\n" in yaml and ".SH \\fBtls\\fR\n" in yaml
    assert ".IP \\(bu 2\n\\fBB\\fR c\n" in yaml
    assert ".TP\n\\fBk\\fR (a | b, default: 1)\nM.\n" in yaml


if __name__ == "__main__":
    sys.exit(main())
