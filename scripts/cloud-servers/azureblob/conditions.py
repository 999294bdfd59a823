"""If-Match and the like, and ranges."""

import re

from web.messages import parse_date

from .errors import Failure, bad_header

RANGE = re.compile(r"bytes=(\d+)-(\d*)")
NAMES = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def refuse_conditions(request):
    """Of operations that take none."""
    if any(name in request.headers for name in NAMES):
        raise Failure(400, "ConditionHeadersNotSupported", "Condition headers are not supported.")


def check(request, found, reading=False):
    """`found` is the blob or container, or None."""
    headers = request.headers
    match, none_match = _tags(headers.get("if-match")), _tags(headers.get("if-none-match"))
    modified, unmodified = (parse_date(headers.get(name)) for name in ("if-modified-since", "if-unmodified-since"))
    for name in ("if-modified-since", "if-unmodified-since"):
        if name in headers and parse_date(headers[name]) is None:
            raise bad_header(name, headers[name])
    if found is None:
        if match is not None and not reading:
            raise Failure(412, "ConditionNotMet")
        return
    if match is not None and "*" not in match and found.etag not in match:
        raise Failure(412, "ConditionNotMet")
    if match is None and unmodified is not None and int(found.modified) > unmodified:
        raise Failure(412, "ConditionNotMet")
    fresh = none_match is not None and ("*" in none_match or found.etag in none_match)
    if none_match is None and modified is not None:
        fresh = int(found.modified) <= modified
    if fresh and reading:
        if none_match == ["*"]:
            raise Failure(400, "UnsatisfiableCondition", "The request includes an unsatisfiable condition for this operation.")
        raise Failure(304, "ConditionNotMet")
    if fresh:
        raise Failure(409, "BlobAlreadyExists") if none_match == ["*"] else Failure(412, "ConditionNotMet")


def _tags(text):
    return [part.strip().strip('"') for part in text.split(",")] if text is not None else None


def requested_range(request, size):
    """First byte and length, or None. The service's own header comes first."""
    text = request.headers.get("x-ms-range", request.headers.get("range"))
    match = RANGE.fullmatch(text.strip()) if text is not None else None
    if match is None:
        # What is not understood is not looked at, a range from the end among it.
        return None
    first, last = int(match.group(1)), min(int(match.group(2) or size), size - 1)
    if match.group(2) and int(match.group(2)) < first:
        return None
    if first >= size:
        raise Failure(416, "InvalidRange", headers={"Content-Range": f"bytes */{size}"})
    return first, last - first + 1
