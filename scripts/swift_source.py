"""Reading Swift sources without a compiler: what is code, and which modules it imports."""

import re
from pathlib import Path

_NOT_CODE = re.compile(
    r'(?P<raw>\#+)"""[\s\S]*?"""(?P=raw)'
    r'|(?P<raw1>\#+)"[^\n]*?"(?P=raw1)'
    r'|"""[\s\S]*?"""'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|//[^\n]*"
    r"|/\*[\s\S]*?\*/"
)

_IMPORT = re.compile(
    r"^[ \t]*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var|actor)\s+)?(\w+)",
    re.MULTILINE,
)


def code_only(text: str) -> str:
    """The text with comments and string literals blanked out; line numbers and columns stay as they are."""
    return _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def imports(text: str) -> list[tuple[int, str]]:
    """Line number and module of each import."""
    code = code_only(text)
    return [(code.count("\n", 0, match.start(1)) + 1, match.group(1)) for match in _IMPORT.finditer(code)]


def swift_files(folder: Path) -> list[Path]:
    """Every Swift file under the folder, sorted; none from build products."""
    return sorted(path for path in folder.rglob("*.swift") if not any(part.startswith(".") for part in path.relative_to(folder).parts))
