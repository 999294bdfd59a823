"""Objects and buckets as the JSON API and the headers of downloads show them."""

import base64
import json
from email.utils import formatdate
from urllib.parse import quote

from web.messages import Response, as_field

from .errors import invalid
from .identity import PROJECT_NUMBER
from .tokens import rfc3339


def object_resource(base, bucket, item):
    path = f"{base}/storage/v1/b/{bucket.name}/o/{quote(item.name, safe='')}"
    media = f"{base}/download/storage/v1/b/{bucket.name}/o/{quote(item.name, safe='')}"
    resource = {
        "kind": "storage#object", "id": f"{bucket.name}/{item.name}/{item.generation}", "selfLink": path,
        "mediaLink": f"{media}?generation={item.generation}&alt=media", "name": item.name, "bucket": bucket.name,
        "generation": str(item.generation), "metageneration": str(item.metageneration), "size": str(item.content.length),
        "crc32c": item.crc32c, "etag": json_etag(item.generation, item.metageneration),
        "timeCreated": rfc3339(item.created), "updated": rfc3339(item.updated), "timeStorageClassUpdated": rfc3339(item.created),
        "timeFinalized": rfc3339(item.created), **item.fields,
    }
    if item.md5 is not None:
        resource["md5Hash"] = item.md5
    if item.components is not None:
        resource["componentCount"] = item.components
    return resource


def bucket_resource(base, bucket):
    return {
        "kind": "storage#bucket", "id": bucket.name, "selfLink": f"{base}/storage/v1/b/{bucket.name}", "name": bucket.name,
        "projectNumber": PROJECT_NUMBER, "generation": "1", "metageneration": str(bucket.metageneration),
        "etag": json_etag(1, bucket.metageneration), "timeCreated": rfc3339(bucket.created), "updated": rfc3339(bucket.updated),
        **bucket.settings,
    }


def json_etag(generation, metageneration):
    return base64.b64encode(generation.to_bytes(8) + metageneration.to_bytes(4)).decode()


def object_headers(item):
    """Of an object's content and of what was stored."""
    fields = item.fields
    hashes = f"crc32c={item.crc32c}" + (f",md5={item.md5}" if item.md5 else "")
    headers = {
        "x-goog-generation": str(item.generation), "x-goog-metageneration": str(item.metageneration), "x-goog-hash": hashes,
        "x-goog-stored-content-encoding": fields.get("contentEncoding", "identity"),
        "x-goog-stored-content-length": str(item.content.length), "x-goog-storage-class": fields["storageClass"],
        "ETag": f'"{item.etag}"', "Last-Modified": formatdate(item.updated, usegmt=True),
    }
    if item.components is not None:
        headers["x-goog-component-count"] = str(item.components)
    if "customTime" in fields:
        headers["x-goog-custom-time"] = fields["customTime"]
    for name, value in fields.get("metadata", {}).items():
        headers[f"x-goog-meta-{name}"] = as_field(value)
    return headers


def json_response(value, request=None, status=200):
    fields = request.parameter("fields") if request is not None else None
    if fields is not None:
        value = partial(value, parse_fields(fields))
    return Response(status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(value, ensure_ascii=False).encode())


def parse_fields(text):
    """"items(name,size),nextPageToken" and "a/b" as a tree of names, in which an empty one has everything."""
    tree, at = {}, 0

    def level():
        nonlocal at
        found = {}
        while True:
            here, name = found, ""
            while at < len(text) and text[at] not in ",()":
                name += text[at]
                at += 1
            for part in name.split("/"):
                here = here.setdefault(part, {})
            if at < len(text) and text[at] == "(":
                at += 1
                here.update(level())
                if at >= len(text) or text[at] != ")":
                    raise invalid(f"Invalid field selection {text}")
                at += 1
            if at >= len(text) or text[at] == ")":
                return found
            at += 1

    tree = level()
    if at != len(text) or "" in tree:
        raise invalid(f"Invalid field selection {text}")
    return tree


def partial(value, tree):
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [partial(element, tree) for element in value]
    if isinstance(value, dict):
        return {name: partial(value[name], tree[name]) for name in tree if name in value}
    return value
