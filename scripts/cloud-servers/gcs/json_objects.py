"""The JSON API's methods for objects that are there, and its listing."""

import re

from . import downloads
from .errors import Failure, invalid, no_object
from .json_methods import JSONMethods, parsed
from .resources import json_response, object_resource
from .store import WRITABLE, Conditions


class JSONObjects(JSONMethods):
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


def token_of(name):
    return "C" + name.encode().hex()


def untoken(token):
    try:
        return bytes.fromhex(token[1:]).decode()
    except ValueError:
        raise invalid("Invalid pageToken")
