"""Operations on blobs and their blocks."""

import base64
import re
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from web.content import Content
from web.messages import Response

from . import conditions
from .accounts import CRC64, MD5, Blob
from .containers import parse
from .errors import Failure, bad_header, bad_parameter, missing_header, xml
from .headers import Received, blob_headers, metadata_headers, metadata_of, properties_of, versioned

MOST_BLOB = 5000 << 20
MOST_BLOCK = 4000 << 20
MOST_BLOCKS = 50_000
MOST_UNCOMMITTED = 100_000
MOST_HASHED = 4 << 20


class Blobs:
    def __init__(self, directory):
        self.directory = directory

    # ---- reading

    def get(self, request, account, grant, container, name):
        grant.require("read", container, name)
        blob = account.blob(container, name)
        conditions.check(request, blob, reading=True)
        headers = blob_headers(blob) | grant.overrides
        wanted = conditions.requested_range(request, blob.content.length) if request.method == "GET" else None
        hashed = [kind for kind in ("md5", "crc64") if request.headers.get(f"x-ms-range-get-content-{kind}", "").lower() == "true"]
        if hashed and (wanted is None or wanted[1] > MOST_HASHED or len(hashed) > 1):
            raise Failure(400, "OutOfRangeInput" if wanted else "InvalidHeaderValue")
        if wanted is None:
            return Response(200, headers, blob.content)
        first, length = wanted
        content = blob.content.slice(first, length)
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{blob.content.length}"
        headers["x-ms-blob-content-md5"] = headers.pop("Content-MD5", None)
        for kind in hashed:
            found = MD5() if kind == "md5" else CRC64()
            found.update(content.bytes())
            headers["Content-MD5" if kind == "md5" else "x-ms-content-crc64"] = found.base64()
        return Response(206, headers, content)

    def get_metadata(self, request, account, grant, container, name):
        grant.require("read", container, name)
        blob = account.blob(container, name)
        conditions.check(request, blob, reading=True)
        return Response(200, versioned(blob) | metadata_headers(blob.metadata))

    # ---- whole blobs

    def require_writing(self, grant, account, container_name, name):
        container = account.container(container_name) if grant.kind != "anonymous" else account.containers.get(container_name)
        exists = container is not None and name in container.blobs
        grant.require("write" if exists else "add", container_name, name)
        if not 0 < len(name) <= 1024 or name.count("/") > 253:
            raise Failure(400, "InvalidResourceName")
        return container

    def put(self, request, account, grant, container_name, name):
        container = self.require_writing(grant, account, container_name, name)
        kind = request.headers.get("x-ms-blob-type")
        if kind is None:
            raise missing_header("x-ms-blob-type")
        if kind != "BlockBlob":
            raise bad_header("x-ms-blob-type", kind)
        properties, metadata = properties_of(request, plain=True), metadata_of(request)
        conditions.check(request, container.blobs.get(name))
        received = Received(request, always_md5=True)
        content = self.body(request, MOST_BLOB, received)
        received.check()
        properties.setdefault("Content-MD5", received.md5.base64())
        if properties["Content-MD5"] != received.md5.base64():
            raise Failure(400, "Md5Mismatch")
        blob = Blob(content, [], properties, metadata, request.now)
        self.publish(request, account, container, name, blob)
        headers = received.headers()
        return Response(201, versioned(blob) | headers | {"Content-MD5": received.md5.base64(), "x-ms-request-server-encrypted": "true"})

    def body(self, request, limit, received):
        if request.body.length is None:
            raise Failure(411, "MissingContentLengthHeader")
        if "content-length" not in request.headers:
            raise Failure(411, "MissingContentLengthHeader")
        if request.body.length > limit:
            raise Failure(413, "RequestBodyTooLarge")
        return request.body.into(self.directory, received)

    def publish(self, request, account, container, name, blob):
        blob.tags = dict(parse_qsl(request.headers.get("x-ms-tags", "")))
        blob.tier = request.headers.get("x-ms-access-tier")
        with account.lock:
            if account.containers.get(container.name) is not container:
                raise Failure(404, "ContainerNotFound")
            before = container.blobs.get(name)
            conditions.check(request, before)
            if before is not None:
                blob.created = before.created
            container.put(name, blob)

    def delete(self, request, account, grant, container_name, name):
        grant.require("delete", container_name, name)
        if request.headers.get("x-ms-delete-snapshots", "include") not in ("include", "only"):
            raise bad_header("x-ms-delete-snapshots")
        with account.lock:
            blob = account.blob(container_name, name)
            conditions.check(request, blob)
            account.container(container_name).remove(name)
        return Response(202, {"x-ms-delete-type-permanent": "true"})

    # ---- what is known of a blob

    def changed(self, request, account, grant, container, name):
        """The blob, of which something is about to change."""
        grant.require("write", container, name)
        blob = account.blob(container, name)
        conditions.check(request, blob)
        return blob

    def set_metadata(self, request, account, grant, container, name):
        with account.lock:
            blob = self.changed(request, account, grant, container, name)
            blob.metadata = metadata_of(request)
            blob.touch(request.now)
        return Response(200, versioned(blob))

    def set_properties(self, request, account, grant, container, name):
        """All of them: those that are not there are removed."""
        with account.lock:
            blob = self.changed(request, account, grant, container, name)
            blob.properties = properties_of(request)
            blob.touch(request.now)
        return Response(200, versioned(blob))

    def set_tier(self, request, account, grant, container, name):
        tier = request.headers.get("x-ms-access-tier")
        if tier not in ("Hot", "Cool", "Cold", "Archive"):
            raise bad_header("x-ms-access-tier", tier or "")
        self.changed(request, account, grant, container, name).tier = tier
        return Response(200)

    # ---- blocks

    def put_block(self, request, account, grant, container_name, name):
        container = self.require_block(request, grant, account, container_name, name)
        received = Received(request)
        content = self.body(request, MOST_BLOCK, received)
        received.check()
        self.keep_block(request, account, container, name, content)
        return Response(201, received.headers() | {"x-ms-request-server-encrypted": "true"})

    def require_block(self, request, grant, account, container_name, name):
        # Blocks are written before anybody knows whether the blob will be there.
        grant.require("add", container_name, name)
        conditions.refuse_conditions(request)
        container = account.container(container_name)
        if not 0 < len(name) <= 1024:
            raise Failure(400, "InvalidResourceName")
        block_identifier(request.parameter("blockid", ""))
        return container

    def keep_block(self, request, account, container, name, content):
        if content.length == 0:
            raise bad_header("Content-Length", "0")
        identifier = request.parameter("blockid")
        with account.lock:
            if account.containers.get(container.name) is not container:
                raise Failure(404, "ContainerNotFound")
            blocks = container.uncommitted.setdefault(name, {})
            committed = container.blobs[name].blocks if name in container.blobs else []
            lengths = {len(other) for other in blocks} | {len(other) for other, _ in committed}
            if lengths - {len(identifier)}:
                raise Failure(400, "InvalidBlobOrBlock")
            if identifier not in blocks and len(blocks) >= MOST_UNCOMMITTED:
                raise Failure(409, "BlockCountExceedsLimit")
            blocks[identifier] = content

    def put_block_list(self, request, account, grant, container_name, name):
        container = self.require_writing(grant, account, container_name, name)
        received = Received(request)
        body = self.body(request, 16 << 20, received).bytes()
        received.check()
        properties, metadata = properties_of(request), metadata_of(request)
        wanted = [(entry.tag, (entry.text or "").strip()) for entry in parse(body, "BlockList")]
        if len(wanted) > MOST_BLOCKS:
            raise Failure(400, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.")
        with account.lock:
            before = container.blobs.get(name)
            conditions.check(request, before)
            committed = dict(before.blocks) if before is not None else {}
            blocks = [(identifier, self.listed(kind, identifier, committed, container.uncommitted.get(name, {}))) for kind, identifier in wanted]
            blob = Blob(Content.joined(content for _, content in blocks), blocks, properties, metadata, request.now)
            self.publish(request, account, container, name, blob)
        return Response(201, versioned(blob) | received.headers() | {"x-ms-request-server-encrypted": "true"})

    def listed(self, kind, identifier, committed, uncommitted):
        places = {"Committed": (committed,), "Uncommitted": (uncommitted,), "Latest": (uncommitted, committed)}.get(kind)
        if places is None:
            raise Failure(400, "InvalidXmlDocument")
        for place in places:
            if identifier in place:
                return place[identifier]
        raise Failure(400, "InvalidBlockList")

    def get_block_list(self, request, account, grant, container_name, name):
        grant.require("read", container_name, name)
        container = account.container(container_name)
        blob, uncommitted = container.blobs.get(name), container.uncommitted.get(name, {})
        if blob is None and not uncommitted:
            raise Failure(404, "BlobNotFound")
        kind, body = request.parameter("blocklisttype", "committed"), ""
        for tag, blocks in (("Committed", blob.blocks if blob else []), ("Uncommitted", sorted(uncommitted.items()))):
            if kind in ("all", tag.lower()):
                entries = "".join(f"<Block><Name>{escape(one)}</Name><Size>{content.length}</Size></Block>" for one, content in blocks)
                body += f"<{tag}Blocks>{entries}</{tag}Blocks>"
        headers = versioned(blob) | {"x-ms-blob-content-length": str(blob.content.length)} if blob is not None else {}
        return xml(f"<BlockList>{body}</BlockList>", 200, headers)


def block_identifier(text):
    try:
        if 0 < len(base64.b64decode(text, validate=True)) <= 64 and re.fullmatch("[A-Za-z0-9+/]+=*", text):
            return text
    except ValueError:
        pass
    raise bad_parameter("blockid", text)


