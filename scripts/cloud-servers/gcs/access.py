"""What a caller may do: the roles that the project or a bucket's policy gives, within the scopes of the token."""

from .errors import Failure
from .identity import CLOUD_PLATFORM, POOL, PROJECT

_AUTH = "https://www.googleapis.com/auth/devstorage."
_READ = {"storage.objects.get", "storage.objects.list", "storage.buckets.get", "storage.buckets.list"}
_FULL = {"storage.buckets.update", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy", "storage.objects.setIamPolicy"}
_UPLOADS = {f"storage.multipartUploads.{verb}" for verb in ("create", "abort", "list", "listParts")}

_VIEW = {"storage.objects.get", "storage.objects.list"}
_USE = _VIEW | {"storage.objects.create", "storage.objects.delete", "storage.objects.update"} | _UPLOADS
_OBJECT_ADMIN = _USE | {"storage.objects.setIamPolicy", "storage.objects.getIamPolicy"}
_BUCKET = {f"storage.buckets.{verb}" for verb in ("get", "list", "create", "delete", "update", "getIamPolicy", "setIamPolicy")}

ROLES = {
    "roles/owner": _BUCKET,
    "roles/storage.admin": _BUCKET | _OBJECT_ADMIN,
    "roles/storage.objectAdmin": _OBJECT_ADMIN,
    "roles/storage.objectUser": _USE,
    "roles/storage.objectViewer": _VIEW,
    "roles/storage.objectCreator": {"storage.objects.create"} | _UPLOADS - {"storage.multipartUploads.list"},
    "roles/storage.bucketViewer": {"storage.buckets.get", "storage.buckets.list"},
    "roles/storage.legacyBucketOwner": _BUCKET - {"storage.buckets.create", "storage.buckets.delete", "storage.buckets.list"} | _USE - {"storage.objects.get"},
    "roles/storage.legacyBucketWriter": {"storage.buckets.get", "storage.objects.list", "storage.objects.create", "storage.objects.delete"} | _UPLOADS,
    "roles/storage.legacyBucketReader": {"storage.buckets.get", "storage.objects.list"},
    "roles/storage.legacyObjectOwner": {"storage.objects.get", "storage.objects.update", "storage.objects.getIamPolicy", "storage.objects.setIamPolicy"},
    "roles/storage.legacyObjectReader": {"storage.objects.get"},
}


class Access:
    def __init__(self, identities):
        self.identities = identities

    def has(self, caller, permission, bucket=None, item=None):
        """Whether one of the caller's roles has the permission; scopes are not looked at."""
        if item is not None and item.public and permission == "storage.objects.get" and not (bucket.uniform or bucket.prevented):
            return True
        member = caller.member
        account = next((account for account in self.identities.accounts.values() if account.member == member), None)
        if account is not None and any(permission in ROLES.get(role, ()) for role in account.roles):
            return True
        if bucket is None:
            return False
        names = set() if caller.anonymous else {member}
        if not bucket.prevented:
            names.add("allUsers")
            if not caller.anonymous:
                names.add("allAuthenticatedUsers")
        if member.startswith("principal://"):
            names.add(f"principalSet://iam.googleapis.com/{POOL}/*")
        if account is not None and "roles/owner" in account.roles:
            names |= {f"projectOwner:{PROJECT}", f"projectEditor:{PROJECT}"}
        # A binding with a condition is not evaluated and grants nothing.
        return any(
            permission in ROLES.get(binding["role"], ()) and names & set(binding["members"])
            for binding in bucket.policy["bindings"] if "condition" not in binding
        )

    def require(self, caller, permission, bucket=None, name=None, item=None):
        if caller.scopes is not None and not self.in_scope(caller.scopes, permission):
            headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'}
            raise Failure(403, "insufficientPermissions", "AccessDenied", "Provided scope(s) are not authorized", headers)
        if not self.has(caller, permission, bucket, item):
            raise self.refusal(caller, permission, "object" if name is not None else "bucket" if bucket is not None else "project")

    def refusal(self, caller, permission, kind):
        message = f"{caller.described()} does not have {permission} access to the Google Cloud {'project' if kind == 'project' else f'Storage {kind}'}."
        message += f" Permission '{permission}' denied on resource (or it may not exist)."
        if caller.anonymous:
            return Failure(401, "required", "AccessDenied", message, {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'})
        return Failure(403, "forbidden", "AccessDenied", message)

    def in_scope(self, scopes, permission):
        if scopes & {CLOUD_PLATFORM, f"{_AUTH}full_control"}:
            return True
        if f"{_AUTH}read_write" in scopes:
            return permission not in _FULL
        return f"{_AUTH}read_only" in scopes and permission in _READ
