"""The JSON API's uploads."""

import re
from urllib.parse import quote

from web.multipart import related

from . import digests
from .errors import Failure, invalid
from .json_methods import JSONMethods, parsed
from .resources import json_response
from .store import Conditions, Object, check_name
from .uploads import Session


class JSONUploads(JSONMethods):
    def __init__(self, store, access, uploads):
        super().__init__(store, access)
        self.uploads = uploads

    def insert(self, request, caller, bucket_name):
        bucket = self.store.bucket(bucket_name)
        kind = request.parameter("uploadType")
        if kind == "media":
            return self.insert_media(request, caller, bucket)
        if kind == "multipart":
            return self.insert_multipart(request, caller, bucket)
        if kind == "resumable":
            return self.begin_resumable(request, caller, bucket)
        raise invalid(f"Unknown uploadType: {kind}")

    def insert_media(self, request, caller, bucket):
        name = self.named(request, {})
        self.may_create(caller, bucket, name)
        found = digests.Digests()
        content = request.body.into(self.store.directory, found)
        fields = {"contentType": request.headers.get("content-type"), "contentEncoding": request.parameter("contentEncoding")}
        return self.stored(request, caller, bucket, name, content, found, fields, digests.in_headers(request.headers))

    def insert_multipart(self, request, caller, bucket):
        # Before the body is read, as far as the name is not in it.
        self.may_create(caller, bucket, "")
        found = digests.Digests()
        head, metadata, media_head, content = related(request.body, request.headers.get("content-type", ""), self.store.directory, found)
        if not head.get("content-type", "").startswith("application/json"):
            raise invalid("The first part is not application/json")
        fields = parsed(metadata)
        fields.setdefault("contentType", media_head.get("content-type"))
        wanted = expected_digests(fields) | digests.in_headers(request.headers)
        return self.stored(request, caller, bucket, self.named(request, fields), content, found, fields, wanted)

    def begin_resumable(self, request, caller, bucket):
        body = request.body.read()
        fields = parsed(body) if body else {}
        name = self.named(request, fields)
        self.may_create(caller, bucket, name)
        if request.headers.get("x-upload-content-type"):
            fields.setdefault("contentType", request.headers["x-upload-content-type"])
        length = request.headers.get("x-upload-content-length")
        if length is not None and not re.fullmatch("[0-9]{1,18}", length):
            raise invalid("X-Upload-Content-Length is not a number")
        conditions = Conditions.of_parameters(request)
        conditions.check(bucket.objects.get(name))
        identifier = self.uploads.begin(
            Session(
                bucket, name, fields, expected_digests(fields), conditions, self.may_replace(caller, bucket, name),
                int(length) if length is not None else None, self.public(request, bucket), lambda later, item: self.shown(later, bucket, item), request.now,
            )
        )
        response = json_response({})
        response.body = b""
        query = f"uploadType=resumable&name={quote(name, safe='')}&upload_id={identifier}"
        response.headers |= {"Location": f"{request.base_url}/upload/storage/v1/b/{bucket.name}/o?{query}", "X-GUploader-UploadID": identifier}
        return response

    def stored(self, request, caller, bucket, name, content, found, fields, wanted):
        self.may_create(caller, bucket, name)
        found.check(wanted)
        item = Object(content, found.crc32c, found.md5, fields)
        item.public = self.public(request, bucket)
        self.store.publish(bucket, name, item, Conditions.of_parameters(request), self.may_replace(caller, bucket, name), request.now)
        return self.shown(request, bucket, item)

    def named(self, request, fields):
        name = request.parameter("name", fields.get("name"))
        if not name:
            raise Failure(400, "required", "InvalidArgument", "Required")
        check_name(name)
        return name


def expected_digests(fields):
    return {name: fields[name] for name in ("crc32c", "md5Hash") if fields.get(name)}
