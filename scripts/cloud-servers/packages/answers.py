"""The kinds of answers that registries give."""

import hashlib
import re

from web.messages import Response, http_date, parse_date

# When everything was published: Last-Modified of files that never change.
PUBLISHED = 1_700_000_000
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def page(request, data, content_type, max_age=600, **headers):
    """What changes: with a strong ETag, and 304 for a client that has it."""
    fields = {"Content-Type": content_type, "ETag": etag(data), "Cache-Control": f"max-age={max_age}, public", **headers}
    if among(fields["ETag"], request.headers.get("if-none-match")):
        return Response(304, {name: value for name, value in fields.items() if name != "Content-Type"})
    return Response(200, fields, data)


def file(request, data, content_type="application/octet-stream", **headers):
    """What never changes: with ranges, ETag and Last-Modified. Names of headers are written with underscores."""
    fields = {"Content-Type": content_type, "ETag": etag(data), "Last-Modified": http_date(PUBLISHED), "Accept-Ranges": "bytes"}
    fields |= {"Cache-Control": "max-age=31536000, immutable, public", **{name.replace("_", "-"): value for name, value in headers.items()}}
    none_match, since = request.headers.get("if-none-match"), parse_date(request.headers.get("if-modified-since"))
    if among(fields["ETag"], none_match) or (none_match is None and since is not None and PUBLISHED <= since):
        return Response(304, fields)
    match = RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or match.group(0) == "bytes=-" or request.headers.get("if-range", fields["ETag"]) not in (fields["ETag"], fields["Last-Modified"]):
        return Response(200, fields, data)
    if match.group(1) == "":
        first, last = max(len(data) - int(match.group(2)), 0), len(data) - 1
    else:
        first, last = int(match.group(1)), min(int(match.group(2) or len(data)), len(data) - 1)
    if first > last:
        return Response(416, {"Content-Range": f"bytes */{len(data)}"})
    return Response(206, fields | {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first : last + 1])


def missing(text="Not Found"):
    return Response(404, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())


def redirect(location, status=302, **headers):
    return Response(status, {"Location": location, **{name.replace("_", "-"): value for name, value in headers.items()}})


def etag(data):
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def among(tag, conditions):
    return conditions is not None and tag in [part.strip().removeprefix("W/") for part in conditions.split(",")]
