"""The content of an object, to both APIs."""

import re
import zlib
from email.utils import formatdate

from web.messages import Response, as_field, parse_date

from .errors import Failure, condition_failed
from .identity import ANONYMOUS
from .resources import object_headers

RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def download(request, bucket, item, access):
    """Whole or a range; decoded, where it was stored with gzip and the client does not take that."""
    fields = item.fields
    headers = object_headers(item)
    public = access.has(ANONYMOUS, "storage.objects.get", bucket, item)
    cache = fields.get("cacheControl") or ("public, max-age=3600" if public else "private, max-age=0")
    headers |= {"Content-Type": as_field(item.content_type), "Cache-Control": as_field(cache), "Vary": None}
    headers["Expires"] = formatdate(request.now + (3600 if public else 0), usegmt=True)
    for header, field in (("Content-Disposition", "contentDisposition"), ("Content-Language", "contentLanguage")):
        headers[header] = as_field(fields[field]) if field in fields else None
    for parameter in ("response-content-disposition", "response-content-type", "response-content-encoding", "response-cache-control"):
        if request.has(parameter):
            headers[parameter.removeprefix("response-").title()] = as_field(request.parameter(parameter))
    not_modified = conditions(request, item)
    if not_modified:
        return Response(304, {name: headers[name] for name in ("ETag", "x-goog-generation", "x-goog-metageneration", "x-goog-hash", "Cache-Control")})
    accepted = request.headers.get("accept-encoding", "")
    if fields.get("contentEncoding") == "gzip":
        headers["Vary"] = "Accept-Encoding"
        if not re.search(r"\bgzip\b|\*", accepted) and "no-transform" not in fields.get("cacheControl", ""):
            # Nobody knows the length, and ranges are not looked at.
            headers |= {"Warning": "214 UploadServer gunzipped", "ETag": f"W/{headers['ETag']}"}
            return Response(200, headers, decoded(item.content))
    headers["Content-Encoding"] = fields.get("contentEncoding")
    headers["Accept-Ranges"] = "bytes"
    wanted = range_of(request, item)
    if wanted is None:
        return Response(200, headers, item.content)
    first, length = wanted
    headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{item.content.length}"
    return Response(206, headers, item.content.slice(first, length))


def conditions(request, item):
    """RFC 9110 §13.2.2. Whether the client has what it would get."""
    headers, etag = request.headers, f'"{item.etag}"'
    modified = int(item.updated)

    def among(text):
        return text.strip() == "*" or etag in [part.strip().removeprefix("W/") for part in text.split(",")]

    if "if-match" in headers:
        if not among(headers["if-match"]):
            raise condition_failed()
    elif "if-unmodified-since" in headers:
        since = parse_date(headers["if-unmodified-since"])
        if since is not None and modified > since:
            raise condition_failed()
    if "if-none-match" in headers:
        return among(headers["if-none-match"])
    since = parse_date(headers.get("if-modified-since"))
    return since is not None and modified <= since


def range_of(request, item):
    """First byte and length; None where there is no range, or none that is understood."""
    match = RANGE.fullmatch(request.headers.get("range", "").strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    if "if-range" in request.headers and request.headers["if-range"] != f'"{item.etag}"':
        return None
    size = item.content.length
    if match.group(1) == "":
        first, last = max(size - int(match.group(2)), 0), size - 1
        satisfiable = int(match.group(2)) > 0 and size > 0
    else:
        first, last = int(match.group(1)), min(int(match.group(2) or size), size - 1)
        if match.group(2) and int(match.group(2)) < first:
            return None
        satisfiable = first < size
    if not satisfiable:
        message = "The requested range cannot be satisfied."
        raise Failure(416, "requestedRangeNotSatisfiable", "InvalidRange", message, {"Content-Range": f"bytes */{size}"})
    return first, last - first + 1


def decoded(content):
    decompressor = zlib.decompressobj(wbits=31)
    for piece in content.pieces():
        yield decompressor.decompress(piece)
    yield decompressor.flush()
