"""The JSON API's methods for objects."""

import json
import re
import threading
from urllib.parse import quote

from web.content import Content
from web.multipart import related

from . import digests, downloads
from .errors import Failure, general, invalid, no_object
from .resources import json_response, object_resource
from .store import WRITABLE, Conditions, Object, check_name, new_identifier
from .uploads import Session

MOST_COMPONENTS = 32
# How much a call rewrites between locations, where the client does not say it.
REWRITE_STEP = 64 << 20
PUBLIC_ACLS = ("publicRead",)
ACLS = ("authenticatedRead", "bucketOwnerFullControl", "bucketOwnerRead", "private", "projectPrivate", "publicRead")


class JSONObjects:
    def __init__(self, store, access, uploads):
        self.store = store
        self.access = access
        self.uploads = uploads
        self.rewrites = {}
        self.lock = threading.Lock()

    # ---- uploads

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

    def may_create(self, caller, bucket, name):
        self.access.require(caller, "storage.objects.create", bucket, name)

    def may_replace(self, caller, bucket, name):
        return lambda: self.access.require(caller, "storage.objects.delete", bucket, name)

    def public(self, request, bucket):
        wanted = request.parameter("predefinedAcl", request.parameter("destinationPredefinedAcl"))
        if wanted is None:
            return False
        if wanted not in ACLS:
            raise invalid(f"Invalid predefined ACL: {wanted}")
        return make_public(bucket, wanted in PUBLIC_ACLS)

    def shown(self, request, bucket, item):
        return json_response(object_resource(request.base_url, bucket, item), request)

    # ---- one object

    def found(self, request, caller, bucket, name, permission):
        """The object, as far as the caller may know of it."""
        item = bucket.objects.get(name)
        self.access.require(caller, permission, bucket, name, item)
        generation = request.parameter("generation")
        if item is None or generation not in (None, str(item.generation)):
            if not self.access.has(caller, "storage.objects.list", bucket):
                raise self.access.refusal(caller, "storage.objects.list", "object")
            raise no_object(bucket.name, name)
        return item

    def get(self, request, caller, bucket_name, name):
        media = request.parameter("alt") == "media"
        try:
            bucket = self.store.bucket(bucket_name)
            item = self.found(request, caller, bucket, name, "storage.objects.get")
            Conditions.of_parameters(request).check(item, reading=True)
        except Failure as error:
            if media:
                return error.as_text()
            raise
        if media:
            return downloads.download(request, bucket, item, self.access)
        return self.shown(request, bucket, item)

    def patch(self, request, caller, bucket_name, name, replace=False):
        bucket = self.store.bucket(bucket_name)
        item = self.found(request, caller, bucket, name, "storage.objects.update")
        changes = parsed(request.body.read())
        with self.store.lock:
            Conditions.of_parameters(request).check(item)
            fields = {} if replace else dict(item.fields)
            for key in WRITABLE:
                if key not in changes:
                    continue
                if key == "metadata" and changes[key] and not replace:
                    merged = fields.get("metadata", {}) | changes[key]
                    fields[key] = {inner: value for inner, value in merged.items() if value is not None}
                else:
                    fields[key] = changes[key]
            item.fields = {key: value for key, value in fields.items() if value not in (None, {})}
            item.fields.setdefault("storageClass", bucket.settings["storageClass"])
            if request.parameter("predefinedAcl"):
                item.public = self.public(request, bucket)
            item.metageneration += 1
            item.updated = request.now
        return self.shown(request, bucket, item)

    def delete(self, request, caller, bucket_name, name):
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, "storage.objects.delete", bucket, name)
        self.found(request, caller, bucket, name, "storage.objects.delete")
        if not self.store.remove(bucket, name, Conditions.of_parameters(request)):
            raise no_object(bucket_name, name)
        response = json_response({})
        response.status, response.body = 204, b""
        return response

    def list(self, request, caller, bucket_name):
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, "storage.objects.list", bucket)
        limit = request.parameter("maxResults", "1000")
        if not re.fullmatch("[0-9]{1,9}", limit) or int(limit) == 0:
            raise invalid(f"Invalid maxResults: {limit}")
        items, prefixes, token = self.store.page(
            bucket, request.parameter("prefix", ""), request.parameter("delimiter", ""), untoken(request.parameter("pageToken", "")),
            request.parameter("startOffset", ""), request.parameter("endOffset", ""), min(int(limit), 1000),
        )
        listing = {"kind": "storage#objects"}
        if token is not None:
            listing["nextPageToken"] = token_of(token)
        if prefixes:
            listing["prefixes"] = prefixes
        if items:
            listing["items"] = [object_resource(request.base_url, bucket, item) for item in items]
        return json_response(listing, request)

    # ---- server-side copies

    def source(self, request, caller, bucket_name, name):
        bucket = self.store.bucket(bucket_name)
        item = bucket.objects.get(name)
        self.access.require(caller, "storage.objects.get", bucket, name, item)
        generation = request.parameter("sourceGeneration")
        if item is None or generation not in (None, str(item.generation)):
            raise no_object(bucket_name, name)
        Conditions.of_parameters(request, "ifSource").check(item)
        return bucket, item

    def copied(self, request, item):
        """The copy: with the metadata of the body, or where that is empty the source's."""
        body = request.body.read()
        fields = parsed(body) if body else {}
        fields = {key: fields[key] for key in WRITABLE if key in fields} or item.fields
        if "storageClass" not in fields:
            fields = {key: value for key, value in fields.items() if key != "storageClass"}
        return Object(item.content, item.crc32c, item.md5, fields, item.components)

    def copy(self, request, caller, source_bucket, source_name, bucket_name, name):
        _, item = self.source(request, caller, source_bucket, source_name)
        bucket = self.store.bucket(bucket_name)
        self.may_create(caller, bucket, name)
        made = self.copied(request, item)
        made.public = self.public(request, bucket)
        self.store.publish(bucket, name, made, Conditions.of_parameters(request), self.may_replace(caller, bucket, name), request.now)
        return self.shown(request, bucket, made)

    def rewrite(self, request, caller, source_bucket, source_name, bucket_name, name):
        """In one call within a location and class, else in several, as Google does. A rule's `rewrite_bytes` makes it several everywhere."""
        source, item = self.source(request, caller, source_bucket, source_name)
        bucket = self.store.bucket(bucket_name)
        self.may_create(caller, bucket, name)
        made = self.copied(request, item)
        step = int(request.parameter("maxBytesRewrittenPerCall", REWRITE_STEP))
        if step <= 0 or step % (1 << 20) != 0:
            raise invalid("maxBytesRewrittenPerCall must be a multiple of 1 MiB")
        if source.place() == (bucket.settings["location"], made.fields.get("storageClass", bucket.settings["storageClass"])):
            step = 1 << 40
        step = request.effects.get("rewrite_bytes", step)
        of = (source_bucket, source_name, item.generation, bucket_name, name, json.dumps(made.fields, sort_keys=True))
        conditions = Conditions.of_parameters(request)
        conditions.check(bucket.objects.get(name))
        token, done = request.parameter("rewriteToken"), 0
        with self.lock:
            if token is not None:
                if self.rewrites.get(token, (None, 0))[0] != of:
                    raise invalid("Invalid rewrite token: it is unknown, or of another rewrite.")
                done = self.rewrites[token][1]
            done = min(done + step, item.content.length)
            answer = {"kind": "storage#rewriteResponse", "totalBytesRewritten": str(done), "objectSize": str(item.content.length), "done": False}
            if done < item.content.length:
                answer["rewriteToken"] = new_identifier()
                self.rewrites[answer["rewriteToken"]] = (of, done)
                return json_response(answer, request)
        made.public = self.public(request, bucket)
        self.store.publish(bucket, name, made, conditions, self.may_replace(caller, bucket, name), request.now)
        answer |= {"done": True, "resource": object_resource(request.base_url, bucket, made)}
        return json_response(answer, request)

    def compose(self, request, caller, bucket_name, name):
        bucket = self.store.bucket(bucket_name)
        self.may_create(caller, bucket, name)
        wanted = parsed(request.body.read())
        sources = wanted.get("sourceObjects")
        if not isinstance(sources, list) or not sources:
            raise invalid("You must provide at least one source component.")
        if len(sources) > MOST_COMPONENTS:
            raise invalid(f"The number of source components provided ({len(sources)}) exceeds the maximum ({MOST_COMPONENTS}).")
        items = [self.component(caller, bucket, source) for source in sources]
        fields = wanted.get("destination") or {}
        fields.setdefault("contentType", items[0].fields.get("contentType"))
        crc32c = digests.joined((item.crc32c, item.content.length) for item in items)
        if fields.get("crc32c") not in (None, crc32c):
            raise digests.digest_differs("CRC32C", fields["crc32c"], crc32c)
        made = Object(
            Content.joined(item.content for item in items), crc32c, None, fields, sum(item.components or 1 for item in items),
        )
        made.public = self.public(request, bucket)
        self.store.publish(bucket, name, made, Conditions.of_parameters(request), self.may_replace(caller, bucket, name), request.now)
        return self.shown(request, bucket, made)

    def component(self, caller, bucket, source):
        name = source.get("name", "")
        item = bucket.objects.get(name)
        self.access.require(caller, "storage.objects.get", bucket, name, item)
        if item is None or str(source.get("generation") or item.generation) != str(item.generation):
            raise Failure(404, "notFound", "NoSuchKey", f"Object {name} not found")
        wanted = (source.get("objectPreconditions") or {}).get("ifGenerationMatch")
        Conditions(str(wanted) if wanted is not None else None).check(item)
        return item


def make_public(bucket, public):
    """What an ACL that was asked for comes to; a bucket with uniform access knows none."""
    if bucket.uniform:
        raise invalid("Cannot insert legacy ACL for an object when uniform bucket-level access is enabled.")
    if public and bucket.prevented:
        raise general(412)
    return public


def parsed(body):
    try:
        # Google's own client in Go sends null where it has nothing to say.
        value = json.loads(body) or {}
    except ValueError:
        raise Failure(400, "parseError", "InvalidArgument", "Parse Error")
    if not isinstance(value, dict):
        raise Failure(400, "parseError", "InvalidArgument", "Parse Error")
    metadata = value.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and all(isinstance(text, str | None) for text in metadata.values())):
        raise invalid("Invalid metadata")
    return value


def expected_digests(fields):
    return {name: fields[name] for name in ("crc32c", "md5Hash") if fields.get(name)}


def token_of(name):
    return "C" + name.encode().hex()


def untoken(token):
    try:
        return bytes.fromhex(token[1:]).decode()
    except ValueError:
        raise invalid("Invalid pageToken")
