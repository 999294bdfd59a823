"""Shared access signatures: of a service, of an account, and of a user delegation key."""

import base64
import hmac
import ipaddress
from datetime import datetime, timezone

from azure.storage.blob import UserDelegationKey
from azure.storage.blob._shared import sign_string
from azure.storage.blob._shared.shared_access_signature import _SharedAccessHelper
from azure.storage.blob._shared_access_signature import _BlobSharedAccessHelper

from web.faults import same
from web.messages import as_field

from .errors import Failure
from .grants import Grant
from .identity import ROLES

# The letters of permissions, in the order in which the service wants them.
LETTERS = "racwdxyltmeopfi"


class Sharing:
    def __init__(self, entra):
        self.entra = entra

    def grant(self, request, account, container, blob):
        values = {}
        for name, value in request.query:
            if name in values:
                raise unauthenticated(f"{name} is there twice")
            values[name] = value
        if "ss" in values or "srt" in values:
            return self.account_sas(request, account, values)
        resource = values.get("sr")
        if resource not in ("b", "c") or container is None:
            raise unauthenticated("sr is mandatory. Cannot be empty, or is not known here")
        if resource == "b" and blob is None:
            raise unauthenticated("Signature did not match: it is for a blob")
        delegated = "skoid" in values
        path = f"{container}/{blob}" if resource == "b" else container
        if delegated:
            signature = self.delegated_signature(account, values, path)
        else:
            if not account.allow_shared_key:
                raise Failure(403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.")
            signature = self.helper(values, path, account.name, account.key, None).query_dict["sig"]
            if values["sv"] < "2020-12-06":
                raise unauthenticated("this server for tests knows no sv before 2020-12-06")
        if not same(signature, values["sig"]):
            raise unauthenticated("Signature did not match")
        if delegated:
            self.check_delegation(request, values)
        limits = self.limits(account, container, values)
        self.check_limits(request, limits)
        permissions = _permissions(limits["permission"])

        def allows(operation, container_name, blob_name):
            if operation in ("container", "acl", "delegate") or (operation == "list" and resource != "c") or (operation == "read" and blob_name is None):
                raise Failure(403, "AuthorizationPermissionMismatch")
            _check_letters(permissions, operation)
            if delegated:
                Grant("bearer", self.role_of(values["skoid"])).require(operation)

        names = {"rscc": "Cache-Control", "rscd": "Content-Disposition", "rsce": "Content-Encoding", "rscl": "Content-Language", "rsct": "Content-Type"}
        overrides = {names[name]: as_field(value) for name, value in values.items() if name in names and value}
        return Grant("sas", allows, overrides=overrides)

    def helper(self, values, path, account_name, key, delegation_key):
        helper = _BlobSharedAccessHelper()
        helper.add_base(*(values.get(name) for name in ("sp", "se", "st", "sip", "spr", "sv")))
        helper.add_id(values.get("si"))
        helper.add_user_delegation_oid(values.get("sduoid"))
        helper.add_resource(values["sr"])
        helper.add_timestamp(values.get("snapshot"))
        helper.add_override_response_headers(*(values.get(name) for name in ("rscc", "rscd", "rsce", "rscl", "rsct")))
        helper.add_encryption_scope(encryption_scope=values.get("ses"))
        helper.add_info_for_hns_account(
            preauthorized_agent_object_id=values.get("saoid"), agent_object_id=values.get("suoid"), correlation_id=values.get("scid")
        )
        if "srh" in values or "srq" in values:
            raise unauthenticated("this server for tests does not know srh and srq")
        helper.add_resource_signature(account_name, key, path, user_delegation_key=delegation_key)
        return helper

    def delegated_signature(self, account, values, path):
        key = UserDelegationKey()
        key.signed_oid, key.signed_tid = values.get("skoid"), values.get("sktid")
        key.signed_start, key.signed_expiry = values.get("skt"), values.get("ske")
        key.signed_service, key.signed_version = values.get("sks"), values.get("skv")
        key.signed_delegated_user_tid = values.get("skdutid")
        key.value = delegation_key(account, key.signed_oid, key.signed_tid, key.signed_start, key.signed_expiry, key.signed_version)
        helper = self.helper(values, path, account.name, None, key)
        # The package writes what the newest version has; older ones have fewer lines.
        lines = helper.string_to_sign.split("\n")
        if len(lines) != 28:
            raise unauthenticated("the package's string to sign has not the lines that are known here")
        version = values["sv"]
        if version < "2026-04-06":
            del lines[21:23]  # srh, srq
        if version < "2020-12-06":
            del lines[20]  # ses
        if version < "2025-07-05":
            del lines[13:15]  # skdutid, sduoid
        return sign_string(key.value, "\n".join(lines))

    def check_delegation(self, request, values):
        start, end = instant(values.get("skt", "")), instant(values.get("ske", ""))
        if not (start <= request.now <= end) or end - start > 7 * 24 * 3600 or values.get("sks") != "b" or values.get("sktid") != self.entra.tenant:
            raise unauthenticated("The user delegation key is not valid: its time, service or tenant")

    def role_of(self, object_identifier):
        application = next((known for known in self.entra.applications.values() if known.object == object_identifier), None)

        def allows(operation, container, blob):
            if application is None or operation not in ROLES[application.role]:
                raise Failure(403, "AuthorizationPermissionMismatch")

        return allows

    def limits(self, account, container, values):
        """Of the SAS itself, and of the stored access policy that it names; none is in both."""
        limits = {"start": values.get("st"), "expiry": values.get("se"), "permission": values.get("sp"), "ip": values.get("sip"), "protocol": values.get("spr")}
        if "si" in values:
            found = account.containers.get(container)
            policy = found.policies.get(values["si"]) if found is not None else None
            if policy is None:
                raise unauthenticated("The access policy of si is not there")
            for name, value in policy.items():
                if value and limits[name]:
                    raise unauthenticated(f"{name} is in the SAS and in the access policy")
                limits[name] = limits[name] or value
        return limits

    def check_limits(self, request, limits):
        if not limits["expiry"] or not limits["permission"]:
            raise unauthenticated("se or sp is missing")
        if request.now >= instant(limits["expiry"]) or (limits["start"] and request.now < instant(limits["start"])):
            raise unauthenticated("Signature not valid in the specified time frame")
        if (limits["protocol"] or "https,http") not in ("https,http", "https", "http,https") or (limits["protocol"] == "https" and request.scheme != "https"):
            raise Failure(403, "AuthorizationProtocolMismatch")
        if limits["ip"]:
            first, _, last = limits["ip"].partition("-")
            if not ipaddress.ip_address(first) <= ipaddress.ip_address(request.peer) <= ipaddress.ip_address(last or first):
                raise Failure(403, "AuthorizationSourceIPMismatch")

    def account_sas(self, request, account, values):
        if not account.allow_shared_key:
            raise Failure(403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.")
        helper = _SharedAccessHelper()
        helper.add_base(*(values.get(name) for name in ("sp", "se", "st", "sip", "spr", "sv")))
        helper.add_account(values.get("ss"), values.get("srt"))
        helper.add_encryption_scope(encryption_scope=values.get("ses"))
        helper.add_account_signature(account.name, account.key)
        if values.get("sv", "") < "2020-12-06" or not same(helper.query_dict["sig"], values["sig"]):
            raise unauthenticated("Signature did not match, or sv is before 2020-12-06")
        self.check_limits(request, self.limits(account, None, {name: value for name, value in values.items() if name != "si"}))
        permissions = _permissions(values["sp"])

        def allows(operation, container, blob):
            if "b" not in values.get("ss", ""):
                raise Failure(403, "AuthorizationServiceMismatch")
            kind = "o" if blob is not None else "c" if container is not None else "s"
            if kind not in values.get("srt", ""):
                raise Failure(403, "AuthorizationResourceTypeMismatch")
            if operation in ("acl", "delegate"):
                raise Failure(403, "AuthorizationPermissionMismatch")
            _check_letters(permissions, operation)

        return Grant("sas", allows)


def delegation_key(account, *fields):
    """The same whenever it is asked for the same, as the service's own; nothing has to be remembered."""
    return base64.b64encode(hmac.digest(account.delegation_secret, "\n".join(field or "" for field in fields).encode(), "sha256")).decode()


def _permissions(text):
    if [letter for letter in LETTERS if letter in text] != list(text):
        raise unauthenticated("sp is not in the order of the letters, or has unknown ones")
    return set(text)


def _check_letters(permissions, operation):
    """"add" is writing what is not there yet: with it goes `create` as well as `write`."""
    enough = {"read": "r", "list": "l", "write": "w", "add": "wc", "delete": "d", "container": "wc"}[operation]
    if not permissions & set(enough):
        raise Failure(403, "AuthorizationPermissionMismatch")


def instant(text):
    """Seconds since 1970 of one of the forms of ISO 8601 that the service takes, all in UTC."""
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            continue
    try:
        return datetime.strptime(text[:26].rstrip("Z"), "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise unauthenticated(f"{text!r} is not a time")


def unauthenticated(detail):
    return Failure(403, "AuthenticationFailed", more=f"<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>")
