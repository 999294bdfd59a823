"""The JSON API's copies within the service."""

import json
import threading

from web.content import Content

from . import digests
from .errors import Failure, invalid, no_object
from .json_methods import JSONMethods, parsed
from .resources import json_response, object_resource
from .store import WRITABLE, Conditions, Object, new_identifier

MOST_COMPONENTS = 32
# How much a call rewrites between locations, where the client does not say it.
REWRITE_STEP = 64 << 20


class JSONCopies(JSONMethods):
    def __init__(self, store, access):
        super().__init__(store, access)
        self.rewrites = {}  # token: what it is of, and how much was done
        self.lock = threading.Lock()

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
        """The copy: with the metadata of the body, or where that is empty the source's. Its class is the body's or the bucket's."""
        body = request.body.read()
        fields = parsed(body) if body else {}
        fields = {key: fields[key] for key in WRITABLE if key in fields} or item.copied_fields()
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
