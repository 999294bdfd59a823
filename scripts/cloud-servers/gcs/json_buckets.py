"""The JSON API's methods for buckets and their policies."""

import re

from .errors import Failure, condition_failed, invalid
from .identity import PROJECT
from .json_methods import parsed
from .resources import bucket_resource, json_response
from .store import Bucket, Conditions
from .tokens import rfc3339

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
CLASSES = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE")
SETTINGS = (
    "location", "storageClass", "iamConfiguration", "lifecycle", "softDeletePolicy", "labels", "versioning", "retentionPolicy", "cors",
    "website", "billing", "encryption", "logging", "rpo", "autoclass", "defaultEventBasedHold", "hierarchicalNamespace",
)
ACTIONS = ("Delete", "SetStorageClass", "AbortIncompleteMultipartUpload")
LIFECYCLE_CONDITIONS = (
    "age", "createdBefore", "customTimeBefore", "daysSinceCustomTime", "daysSinceNoncurrentTime", "isLive", "matchesPrefix",
    "matchesStorageClass", "matchesSuffix", "noncurrentTimeBefore", "numNewerVersions",
)


class JSONBuckets:
    def __init__(self, store, access):
        self.store = store
        self.access = access

    def insert(self, request, caller):
        if request.parameter("project") != PROJECT:
            raise invalid(f"Unknown project id: {request.parameter('project')}")
        self.access.require(caller, "storage.buckets.create")
        wanted = parsed(request.body.read())
        name = wanted.get("name", "")
        if not NAME.fullmatch(name) or name.startswith("goog") or "google" in name or (len(name) > 63 and "." not in name):
            raise invalid(f"Invalid bucket name: '{name}'", "InvalidBucketName")
        settings = checked({"location": "US", "storageClass": "STANDARD", "iamConfiguration": {}}, wanted, request.now)
        with self.store.lock:
            if name in self.store.buckets:
                message = "Your previous request to create the named bucket succeeded and you already own it."
                raise Failure(409, "conflict", "BucketAlreadyOwnedByYou", message)
            bucket = self.store.buckets[name] = Bucket(name, settings, request.now)
        return json_response(bucket_resource(request.base_url, bucket), request)

    def get(self, request, caller, name):
        bucket = self.store.bucket(name)
        self.access.require(caller, "storage.buckets.get", bucket)
        self.conditions(request, bucket)
        return json_response(bucket_resource(request.base_url, bucket), request)

    def patch(self, request, caller, name):
        bucket = self.store.bucket(name)
        self.access.require(caller, "storage.buckets.update", bucket)
        changes = parsed(request.body.read())
        with self.store.lock:
            self.conditions(request, bucket)
            for fixed in ("location", "name"):
                if fixed in changes and changes[fixed].upper() != (bucket.name if fixed == "name" else bucket.settings[fixed]).upper():
                    raise invalid(f"The {fixed} of a bucket cannot be changed.")
            bucket.settings = checked(bucket.settings, changes, request.now)
            bucket.metageneration += 1
            bucket.updated = request.now
        return json_response(bucket_resource(request.base_url, bucket), request)

    def delete(self, request, caller, name):
        bucket = self.store.bucket(name)
        self.access.require(caller, "storage.buckets.delete", bucket)
        with self.store.lock:
            self.conditions(request, bucket)
            if bucket.objects:
                raise Failure(409, "conflict", "BucketNotEmpty", "The bucket you tried to delete is not empty.")
            self.store.buckets.pop(name, None)
        response = json_response({})
        response.status, response.body = 204, b""
        return response

    def list(self, request, caller):
        self.access.require(caller, "storage.buckets.list")
        with self.store.lock:
            found = [bucket for name, bucket in sorted(self.store.buckets.items()) if name.startswith(request.parameter("prefix", ""))]
        items = [bucket_resource(request.base_url, bucket) for bucket in found]
        return json_response({"kind": "storage#buckets", **({"items": items} if items else {})}, request)

    def conditions(self, request, bucket):
        match, not_match = Conditions.of_parameters(request).values[2:]
        if match not in (None, bucket.metageneration) or (not_match is not None and not_match == bucket.metageneration):
            raise condition_failed()

    # ---- policies

    def get_policy(self, request, caller, name):
        bucket = self.store.bucket(name)
        self.access.require(caller, "storage.buckets.getIamPolicy", bucket)
        return self.policy(request, bucket)

    def set_policy(self, request, caller, name):
        bucket = self.store.bucket(name)
        self.access.require(caller, "storage.buckets.setIamPolicy", bucket)
        wanted = parsed(request.body.read())
        bindings = wanted.get("bindings", [])
        for binding in bindings:
            members, role = binding.get("members"), binding.get("role", "")
            if not re.fullmatch(r"roles/[\w.]+|(projects|organizations)/[\w-]+/roles/[\w.]+", role) or not isinstance(members, list) or not members:
                raise invalid("A binding has no role or no members.")
            for member in members:
                kind = r"(user|serviceAccount|group|domain|projectOwner|projectEditor|projectViewer):\S+|principal(Set)?://\S+"
                if member not in ("allUsers", "allAuthenticatedUsers") and not re.fullmatch(kind, member):
                    raise invalid(f"Invalid argument: {member} is not a member.")
            if "condition" in binding and wanted.get("version") != 3:
                raise invalid("Policies with conditions must have version 3.")
        with self.store.lock:
            if wanted.get("etag") not in (None, "", bucket.policy_etag):
                raise condition_failed()
            members = {member for binding in bindings for member in binding["members"]}
            if bucket.prevented and members & {"allUsers", "allAuthenticatedUsers"}:
                message = "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced."
                raise Failure(412, "conditionNotMet", "PreconditionFailed", message)
            bucket.policy = {"bindings": bindings}
            bucket.policy_version += 1
        return self.policy(request, bucket)

    def policy(self, request, bucket):
        conditional = any("condition" in binding for binding in bucket.policy["bindings"])
        if conditional and request.parameter("optionsRequestedPolicyVersion") != "3" and request.method == "GET":
            raise invalid("Requested policy version cannot be less than the existing policy version 3 for resources with conditions.")
        return json_response(
            {
                "kind": "storage#policy", "resourceId": f"projects/_/buckets/{bucket.name}", "version": 3 if conditional else 1,
                "etag": bucket.policy_etag, "bindings": bucket.policy["bindings"],
            },
            request,
        )

    def test_permissions(self, request, caller, name):
        bucket = self.store.bucket(name)
        wanted = [value for key, value in request.query if key == "permissions"]
        granted = [permission for permission in wanted if self.access.has(caller, permission, bucket)]
        return json_response({"kind": "storage#testIamPermissionsResponse", **({"permissions": granted} if granted else {})}, request)


def checked(before, changes, now):
    """The settings after a change: objects are merged, null removes."""
    settings = merged(before, {name: value for name, value in changes.items() if name in SETTINGS})
    settings["location"] = settings["location"].upper()
    settings["locationType"] = "multi-region" if settings["location"] in ("US", "EU", "ASIA") else "region"
    settings.setdefault("storageClass", "STANDARD")
    if settings["storageClass"] not in CLASSES:
        raise invalid(f"Invalid storage class: {settings['storageClass']}")
    retention = str(settings.get("softDeletePolicy", {}).get("retentionDurationSeconds", "604800"))
    if not retention.isdigit() or not (retention == "0" or 604_800 <= int(retention) <= 7_776_000):
        raise invalid("softDeletePolicy.retentionDurationSeconds is neither 0 nor between 7 and 90 days")
    settings["softDeletePolicy"] = {"retentionDurationSeconds": retention, "effectiveTime": rfc3339(now)}
    access = settings.setdefault("iamConfiguration", {})
    uniform = access.setdefault("uniformBucketLevelAccess", {"enabled": False})
    if not isinstance(uniform.get("enabled"), bool):
        raise invalid("uniformBucketLevelAccess.enabled is not a boolean")
    access["bucketPolicyOnly"] = uniform
    if access.setdefault("publicAccessPrevention", "inherited") not in ("inherited", "enforced"):
        raise invalid("publicAccessPrevention is neither inherited nor enforced")
    for rule in (settings.get("lifecycle") or {}).get("rule", []):
        action, condition = rule.get("action", {}), rule.get("condition", {})
        if action.get("type") not in ACTIONS or not condition or set(condition) - set(LIFECYCLE_CONDITIONS):
            raise invalid("A lifecycle rule has an action or a condition that is not known, or no condition.")
        if not isinstance(condition.get("age", 0), int) or condition.get("age", 0) < 0:
            raise invalid("The age in a lifecycle condition is not a number of days.")
        if action["type"] == "AbortIncompleteMultipartUpload" and set(condition) - {"age", "matchesPrefix", "matchesSuffix"}:
            raise invalid("AbortIncompleteMultipartUpload takes no such condition.")
    return settings


def merged(before, changes):
    result = dict(before)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result
