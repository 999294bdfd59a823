"""Storage accounts with what is in them: containers, blobs and blocks."""

import base64
import bisect
import hashlib
import itertools
import re
import secrets
import threading
import time

from azure.storage.extensions.checksums import crc64

from .errors import Failure

NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}|\$root|\$web|\$logs")
# How long the name of a container that was deleted cannot be used.
BEING_DELETED = 30
_numbers = itertools.count(int(time.time() * 10_000_000))


class CRC64:
    """The service's, from its own library: of bytes that come one after the other."""

    def __init__(self):
        self.value = 0

    def update(self, data):
        self.value = crc64.compute(bytes(data) if isinstance(data, (bytearray, memoryview)) else data, self.value)

    def base64(self):
        return base64.b64encode(self.value.to_bytes(8, "little")).decode()


class MD5:
    def __init__(self):
        self._digest = hashlib.md5()
        self.update = self._digest.update

    def base64(self):
        return base64.b64encode(self._digest.digest()).decode()


class Versioned:
    """What has an ETag and a time of its last change."""

    def touch(self, now):
        self.etag = f"0x8D{next(_numbers):X}"
        self.modified = now


class Blob(Versioned):
    def __init__(self, content, blocks, properties, metadata, now):
        self.content = content
        self.blocks = blocks  # the committed ones: (ID, Content), none of a blob that came in one request
        self.properties = properties  # by the names of response headers
        self.metadata = metadata
        self.tags = {}
        self.tier = None
        self.copy = None  # headers about the copy that made it
        self.created = now
        self.touch(now)


class Container(Versioned):
    def __init__(self, name, metadata, public, now):
        self.name = name
        self.metadata = metadata
        self.public = public  # None, "blob" or "container"
        self.policies = {}  # by ID: {"start", "expiry", "permission"}
        self.blobs = {}
        self.names = []  # in the order of their UTF-8
        self.uncommitted = {}  # by blob: {ID: Content}
        self.touch(now)

    def put(self, name, blob):
        if name not in self.blobs:
            bisect.insort(self.names, name.encode())
        self.blobs[name] = blob
        # Whatever commits a blob drops the blocks that it has not used.
        self.uncommitted.pop(name, None)

    def remove(self, name):
        del self.blobs[name]
        self.names.pop(bisect.bisect_left(self.names, name.encode()))
        self.uncommitted.pop(name, None)

    def page(self, prefix, delimiter, first, limit):
        """Blobs and prefixes in their order, at most so many, from the name `first` on, and the name that the next page begins with."""
        found, at = [], bisect.bisect_left(self.names, max(prefix.encode(), first))
        while at < len(self.names):
            name = self.names[at].decode()
            if not name.startswith(prefix):
                break
            if len(found) == limit:
                return found, self.names[at]
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                common = name[: cut + len(delimiter)]
                found.append((common, None))
                at = bisect.bisect_left(self.names, common.encode() + b"\xff")
            else:
                found.append((name, self.blobs[name]))
                at += 1
        return found, None


class Account:
    def __init__(self, name, key, allow_public=True, allow_shared_key=True):
        self.name = name
        self.key = key
        self.allow_public = allow_public
        self.allow_shared_key = allow_shared_key
        self.delegation_secret = secrets.token_bytes(32)  # what user delegation keys are derived from
        self.containers = {}
        self.deleted = {}  # names of containers, and until when they cannot be used
        self.lock = threading.RLock()

    def container(self, name):
        if name not in self.containers:
            raise Failure(404, "ContainerNotFound")
        return self.containers[name]

    def blob(self, container_name, name):
        blob = self.container(container_name).blobs.get(name)
        if blob is None:
            raise Failure(404, "BlobNotFound")
        return blob
