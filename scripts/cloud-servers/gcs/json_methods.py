"""What the JSON API's methods for objects share."""

import json

from .errors import Failure, general, invalid
from .resources import json_response, object_resource

PUBLIC_ACLS = ("publicRead",)
ACLS = ("authenticatedRead", "bucketOwnerFullControl", "bucketOwnerRead", "private", "projectPrivate", "publicRead")


class JSONMethods:
    def __init__(self, store, access):
        self.store = store
        self.access = access

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
