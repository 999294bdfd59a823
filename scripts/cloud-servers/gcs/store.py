"""Buckets and objects, and how they change."""

import base64
import bisect
import secrets
import threading
import time

from .errors import Failure, condition_failed, invalid, no_bucket
from .identity import PROJECT

# What a client may say of an object, by the JSON API's names.
WRITABLE = (
    "contentType", "contentEncoding", "contentLanguage", "contentDisposition", "cacheControl", "metadata", "customTime", "storageClass",
)


class Object:
    def __init__(self, content, crc32c, md5, fields, components=None):
        self.content = content
        self.crc32c = crc32c
        self.md5 = md5  # None of what was composed or uploaded in parts
        self.fields = {name: fields[name] for name in WRITABLE if fields.get(name) is not None}
        self.components = components
        self.public = False
        self.name = None
        self.generation = 0
        self.metageneration = 1
        self.created = self.updated = 0.0

    @property
    def etag(self):
        """The XML API's, without quotation marks."""
        if self.md5 is not None:
            return base64.b64decode(self.md5).hex()
        return f"-{base64.b64encode(self.generation.to_bytes(8)).decode()}"

    def copied_fields(self):
        """What a copy has of it, where it is not given others."""
        return {name: value for name, value in self.fields.items() if name != "storageClass"}

    @property
    def content_type(self):
        return self.fields.get("contentType", "application/octet-stream")


class Conditions:
    """Of a request; the JSON API's are parameters, the XML API's headers."""

    def __init__(self, generation=None, not_generation=None, metageneration=None, not_metageneration=None):
        self.values = [
            _number(value) for value in (generation, not_generation, metageneration, not_metageneration)
        ]

    @classmethod
    def of_parameters(cls, request, prefix="if"):
        names = ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch", "MetagenerationNotMatch")
        return cls(*(request.parameter(prefix + name) for name in names))

    @classmethod
    def of_headers(cls, request, prefix="x-goog-"):
        headers = request.headers
        return cls(headers.get(f"{prefix}if-generation-match"), None, headers.get(f"{prefix}if-metageneration-match"), None)

    def check(self, item, reading=False):
        """Generation 0 means that there is no object."""
        generation, not_generation, metageneration, not_metageneration = self.values
        has = item.generation if item is not None else 0
        has_meta = item.metageneration if item is not None else 0
        if (generation is not None and generation != has) or (metageneration is not None and metageneration != has_meta):
            raise condition_failed()
        if (not_generation is not None and not_generation == has) or (not_metageneration is not None and not_metageneration == has_meta):
            raise Failure(304, "notModified", "NotModified", "") if reading else condition_failed()


class Bucket:
    def __init__(self, name, settings, now):
        self.name = name
        self.settings = settings  # what a client may say of it, as JSON
        self.created = self.updated = now
        self.metageneration = 1
        self.objects = {}
        self.names = []  # in the order of their UTF-8
        self.uploads = {}  # multipart uploads of the XML API
        owner = [f"projectEditor:{PROJECT}", f"projectOwner:{PROJECT}"]
        bindings = [("roles/storage.legacyBucketOwner", owner), ("roles/storage.legacyBucketReader", [f"projectViewer:{PROJECT}"])]
        bindings += [("roles/storage.legacyObjectOwner", owner), ("roles/storage.legacyObjectReader", [f"projectViewer:{PROJECT}"])]
        self.policy = {"bindings": [{"role": role, "members": members} for role, members in bindings]}
        self.policy_version = 1

    @property
    def uniform(self):
        return self.settings["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"]

    @property
    def prevented(self):
        return self.settings["iamConfiguration"]["publicAccessPrevention"] == "enforced"

    @property
    def policy_etag(self):
        return base64.b64encode(self.policy_version.to_bytes(8)).decode()

    def place(self):
        return (self.settings["location"], self.settings["storageClass"])


class Store:
    """All changes are made under its lock."""

    def __init__(self, directory):
        self.directory = directory
        self.buckets = {}
        self.lock = threading.RLock()
        self._generation = 0

    def bucket(self, name):
        if name not in self.buckets:
            raise no_bucket()
        return self.buckets[name]

    def generation(self):
        with self.lock:
            self._generation = max(self._generation + 1, int(time.time() * 1_000_000))
            return self._generation

    def publish(self, bucket, name, item, conditions, may_replace, now):
        """Puts an object under its name, if the conditions hold. `may_replace` refuses where the caller must not replace what is there."""
        check_name(name)
        with self.lock:
            if self.buckets.get(bucket.name) is not bucket:
                raise no_bucket()
            before = bucket.objects.get(name)
            conditions.check(before)
            if before is not None:
                may_replace()
            else:
                bisect.insort(bucket.names, name.encode())
            item.name, item.generation, item.created, item.updated = name, self.generation(), now, now
            item.fields.setdefault("storageClass", bucket.settings["storageClass"])
            bucket.objects[name] = item
        return item

    def remove(self, bucket, name, conditions):
        with self.lock:
            item = bucket.objects.get(name)
            if item is None:
                return False
            conditions.check(item)
            del bucket.objects[name]
            bucket.names.pop(bisect.bisect_left(bucket.names, name.encode()))
        return True

    def page(self, bucket, prefix, delimiter, after, first, last, limit):
        """Objects and prefixes from after `after` on, at most so many of both, and after what the next page begins: None at the end."""
        items, prefixes = [], []
        with self.lock:
            at = bisect.bisect_right(bucket.names, after.encode()) if after else 0
            at = max(at, bisect.bisect_left(bucket.names, max(prefix, first).encode()))
            token = None
            while at < len(bucket.names):
                name = bucket.names[at].decode()
                if not name.startswith(prefix) or (last and name.encode() >= last.encode()):
                    break
                if len(items) + len(prefixes) == limit:
                    return items, prefixes, token
                cut = name.find(delimiter, len(prefix)) if delimiter else -1
                if cut >= 0:
                    common = name[: cut + len(delimiter)]
                    if after != common:
                        prefixes.append(common)
                    # Everything under it is behind this, which is no name in UTF-8.
                    at = bisect.bisect_left(bucket.names, common.encode() + b"\xff")
                    token = common + "\U0010ffff"
                else:
                    items.append(bucket.objects[name])
                    at += 1
                    token = name
        return items, prefixes, None


def check_name(name):
    if not 0 < len(name.encode()) <= 1024 or "\r" in name or "\n" in name or name in (".", ".."):
        raise invalid("Invalid object name.", "InvalidObjectName")
    if name.startswith(".well-known/acme-challenge/"):
        raise invalid("Invalid object name.", "InvalidObjectName")


def _number(text):
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise invalid(f"Invalid value for a pre-condition: {text!r}")
    return int(text)


def new_identifier():
    return secrets.token_urlsafe(60)
