"""Batches: requests in the parts of one, each with its own authorization."""

import secrets

from web.batches import inner
from web.messages import Response
from web.multipart import mixed

from .errors import Failure

MOST = 256
MOST_BYTES = 4 << 20


def answer(request, grant, respond):
    """`respond` answers each. What it may do says its own authorization, but nobody may send a batch without any."""
    if grant.kind == "anonymous":
        grant.require("delete")
    body = request.body.read(MOST_BYTES)
    parts = mixed(body, request.headers.get("content-type", ""))
    if not 0 < len(parts) <= MOST:
        raise Failure(400, "InvalidInput", "The batch has no part, or more than 256.")
    boundary = f"batchresponse_{secrets.token_hex(16)}"
    lines = []
    for headers, data in parts:
        part = inner(request, headers, data, ("host",))
        if part is None or part.method not in ("DELETE", "PUT") or (part.method == "PUT" and part.parameter("comp") != "tier"):
            raise Failure(400, "InvalidInput", "A part of the batch is not application/http, or not one that a batch may have.")
        response = respond(part)
        head = [f"--{boundary}", "Content-Type: application/http"]
        if "content-id" in headers:
            head.append(f"Content-ID: {headers['content-id']}")
        head += ["", f"HTTP/1.1 {response.status} {'Accepted' if response.status == 202 else 'Refused'}"]
        head += [f"{name}: {value}" for name, value in response.headers.items() if value is not None]
        if response.body:
            head.append(f"Content-Length: {len(response.body)}")
        lines += ["\r\n".join([*head, "", ""]).encode(), response.body, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return Response(202, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, b"".join(lines))
