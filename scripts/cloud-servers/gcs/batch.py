"""Batches of the JSON API: requests in the parts of one."""

import secrets

from web.batches import inner
from web.messages import Response
from web.multipart import mixed

from .errors import invalid

MOST = 100


def answer(request, respond):
    """`respond` answers each."""
    parts = mixed(request.body.read(), request.headers.get("content-type", ""))
    if len(parts) > MOST:
        raise invalid(f"The batch request could not be processed: it has more than {MOST} calls.")
    boundary = f"batch_{secrets.token_hex(12)}"
    lines = []
    for headers, data in parts:
        identifier = headers.get("content-id", "")
        part = inner(request, headers, data, ("host", "authorization"))
        if part is None:
            raise invalid("A part of the batch is not application/http, or has no request line")
        response = respond(part)
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body.pieces())
        shown = {**response.headers, "Content-Length": str(len(body))}
        head = [f"--{boundary}", "Content-Type: application/http"]
        if identifier:
            head.append(f"Content-ID: <response-{identifier.strip('<>')}>" if identifier.startswith("<") else f"Content-ID: response-{identifier}")
        head += ["", f"HTTP/1.1 {response.status} Status"] + [f"{name}: {value}" for name, value in shown.items() if value is not None] + ["", ""]
        lines += ["\r\n".join(head).encode(), body, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return Response(200, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, b"".join(lines))
