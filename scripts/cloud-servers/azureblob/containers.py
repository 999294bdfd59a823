"""Operations on the account and on containers."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timezone
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from web.messages import Response, http_date

from . import conditions
from .accounts import BEING_DELETED, NAME, Container
from .errors import Failure, bad_header, bad_parameter, xml
from .headers import metadata_headers, metadata_of, versioned
from .sharing import delegation_key, instant

# Characters that XML 1.0 cannot have.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# The elements of a stored access policy, and what they are called elsewhere here.
POLICY = (("Start", "start"), ("Expiry", "expiry"), ("Permission", "permission"))


class Containers:
    def __init__(self, entra):
        self.entra = entra

    # ---- the account

    def list(self, request, account, grant):
        grant.require("list")
        prefix, limit = request.parameter("prefix", ""), page_size(request)
        after = unmarked(request.parameter("marker"))
        with account.lock:
            names = [name for name in sorted(account.containers) if name.startswith(prefix) and name.encode() >= after]
            shown = [account.containers[name] for name in names[:limit]]
        detailed = "metadata" in request.parameter("include", "")
        entries = ""
        for container in shown:
            public = f"<PublicAccess>{container.public}</PublicAccess>" if container.public else ""
            properties = f"<Last-Modified>{http_date(container.modified)}</Last-Modified><Etag>\"{container.etag}\"</Etag>{public}"
            metadata = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in container.metadata.items()) if detailed else ""
            entries += f"<Container><Name>{container.name}</Name><Properties>{properties}</Properties>"
            entries += f"<Metadata>{metadata}</Metadata></Container>" if detailed else "</Container>"
        following = marked(names[limit].encode()) if len(names) > limit else ""
        endpoint = quoteattr(f"{request.base_url}/{account.name}/")
        body = f"<Prefix>{escape(prefix)}</Prefix><Containers>{entries}</Containers><NextMarker>{following}</NextMarker>"
        return xml(f"<EnumerationResults ServiceEndpoint={endpoint}>{body}</EnumerationResults>")

    def service_properties(self, request, account, grant):
        grant.require("read")
        if request.parameter("restype") == "account":
            return Response(200, {"x-ms-sku-name": "Standard_LRS", "x-ms-account-kind": "StorageV2", "x-ms-is-hns-enabled": "false"})
        return xml("<StorageServiceProperties><DefaultServiceVersion>2023-11-03</DefaultServiceVersion></StorageServiceProperties>")

    def delegation_key(self, request, account, grant):
        """With a token only: a key of the account itself gets none."""
        if grant.kind != "bearer":
            raise Failure(403, "AuthenticationFailed", "Only authentication scheme Bearer is supported")
        grant.require("delegate")
        root = parse(request.body.read(), "KeyInfo")
        start, expiry = root.findtext("Start", ""), root.findtext("Expiry", "")
        begins = instant(start) if start else request.now
        ends = instant(expiry)
        if ends <= max(begins, request.now) or ends - begins > 7 * 24 * 3600:
            raise Failure(400, "OutOfRangeInput", "The key's time is over, or longer than seven days.")
        start = start or datetime.fromtimestamp(begins, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        version = request.headers.get("x-ms-version")
        fields = (grant.application.object, self.entra.tenant, start, expiry, version)
        names = ("SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion", "Value")
        values = (*fields[:4], "b", version, delegation_key(account, *fields))
        return xml(f"<UserDelegationKey>{''.join(f'<{name}>{value}</{name}>' for name, value in zip(names, values))}</UserDelegationKey>")

    # ---- one container

    def create(self, request, account, grant, name):
        grant.require("container", name)
        if not NAME.fullmatch(name):
            raise Failure(400, "InvalidResourceName")
        public = self.public(request, account)
        with account.lock:
            if account.deleted.get(name, 0) > request.now:
                raise Failure(409, "ContainerBeingDeleted")
            if name in account.containers:
                raise Failure(409, "ContainerAlreadyExists")
            container = account.containers[name] = Container(name, metadata_of(request), public, request.now)
        return Response(201, versioned(container))

    def public(self, request, account):
        public = request.headers.get("x-ms-blob-public-access")
        if public not in (None, "blob", "container"):
            raise bad_header("x-ms-blob-public-access", public)
        if public is not None and not account.allow_public:
            raise Failure(409, "PublicAccessNotPermitted")
        return public

    def properties(self, request, account, grant, name):
        grant.require("read", name)
        container = account.container(name)
        headers = {**versioned(container), **metadata_headers(container.metadata), "x-ms-blob-public-access": container.public}
        headers |= {"x-ms-lease-status": "unlocked", "x-ms-lease-state": "available", "x-ms-has-immutability-policy": "false", "x-ms-has-legal-hold": "false"}
        return Response(200, headers)

    def delete(self, request, account, grant, name):
        grant.require("container", name)
        with account.lock:
            conditions.check(request, account.container(name))
            del account.containers[name]
            account.deleted[name] = request.now + BEING_DELETED
        return Response(202)

    def set_metadata(self, request, account, grant, name):
        grant.require("container", name)
        container = account.container(name)
        container.metadata = metadata_of(request)
        container.touch(request.now)
        return Response(200, versioned(container))

    def get_acl(self, request, account, grant, name):
        grant.require("acl", name)
        container = account.container(name)
        entries = ""
        for identifier, policy in container.policies.items():
            inner = "".join(f"<{tag}>{policy[key]}</{tag}>" for tag, key in POLICY if policy[key])
            entries += f"<SignedIdentifier><Id>{escape(identifier)}</Id><AccessPolicy>{inner}</AccessPolicy></SignedIdentifier>"
        return xml(f"<SignedIdentifiers>{entries}</SignedIdentifiers>", 200, {**versioned(container), "x-ms-blob-public-access": container.public})

    def set_acl(self, request, account, grant, name):
        """Also whether it is public: without the header it is not."""
        grant.require("acl", name)
        body, policies = request.body.read(), {}
        for entry in parse(body, "SignedIdentifiers") if body else []:
            policy = {key: entry.findtext(f"AccessPolicy/{tag}") for tag, key in POLICY}
            policies[entry.findtext("Id", "")] = policy
        if len(policies) > 5:
            raise Failure(400, "InvalidXmlDocument", "There are more than five access policies.")
        with account.lock:
            container = account.container(name)
            conditions.check(request, container)
            container.public, container.policies = self.public(request, account), policies
            container.touch(request.now)
        return Response(200, versioned(container))

    def list_blobs(self, request, account, grant, name):
        grant.require("list", name)
        container = account.container(name)
        prefix, delimiter, limit = request.parameter("prefix", ""), request.parameter("delimiter", ""), page_size(request)
        include = request.parameter("include", "").split(",")
        with account.lock:
            found, following = container.page(prefix, delimiter, unmarked(request.parameter("marker")), limit)
            if "uncommittedblobs" in include:
                others = sorted(set(container.uncommitted) - set(container.blobs))
                found += [(other, "uncommitted") for other in others if other.startswith(prefix)]
        entries = "".join(self.entry(other, blob, include) for other, blob in found)
        endpoint = f"ServiceEndpoint={quoteattr(f'{request.base_url}/{account.name}/')} ContainerName={quoteattr(name)}"
        head = f"<Prefix>{escape(prefix)}</Prefix><MaxResults>{limit}</MaxResults>" + (f"<Delimiter>{escape(delimiter)}</Delimiter>" if delimiter else "")
        body = f"{head}<Blobs>{entries}</Blobs><NextMarker>{marked(following) if following is not None else ''}</NextMarker>"
        return xml(f"<EnumerationResults {endpoint}>{body}</EnumerationResults>")

    def entry(self, name, blob, include):
        if blob is None:
            return f"<BlobPrefix>{written(name)}</BlobPrefix>"
        if blob == "uncommitted":
            return f"<Blob>{written(name)}<Properties><Content-Length>0</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
        properties = {
            "Creation-Time": http_date(blob.created), "Last-Modified": http_date(blob.modified), "Etag": blob.etag,
            "Content-Length": str(blob.content.length), "Content-Type": None, "Content-Encoding": "", "Content-Language": "", "Content-MD5": "",
            "Cache-Control": "", "Content-Disposition": "",
        }
        properties |= blob.properties | {"BlobType": "BlockBlob", "AccessTier": blob.tier or "Hot"}
        properties |= {"LeaseStatus": "unlocked", "LeaseState": "available", "ServerEncrypted": "true"}
        text = "".join(f"<{key}>{escape(value)}</{key}>" if value else f"<{key} />" for key, value in properties.items())
        metadata = ""
        if "metadata" in include:
            metadata = f"<Metadata>{''.join(f'<{key}>{escape(value)}</{key}>' for key, value in blob.metadata.items())}</Metadata>"
        return f"<Blob>{written(name)}<Properties>{text}</Properties>{metadata}<OrMetadata /></Blob>"


def written(name):
    if UNWRITABLE.search(name):
        return f'<Name Encoded="true">{quote(name)}</Name>'
    return f"<Name>{escape(name)}</Name>"


def page_size(request):
    text = request.parameter("maxresults", "5000")
    if not re.fullmatch("[0-9]{1,9}", text):
        raise bad_parameter("maxresults", text)
    if int(text) == 0:
        raise Failure(400, "OutOfRangeQueryParameterValue", "One of the query parameters specified in the request URI is outside the permissible range.")
    # A rule may make pages shorter than the client asked for, as the service sometimes does.
    return min(int(text), 5000, request.effects.get("page_size", 5000))


def marked(name):
    """Not the name itself: nobody can rely on it."""
    return f"2!{len(name)}!{base64.urlsafe_b64encode(name).decode()}"


def unmarked(marker):
    if not marker:
        return b""
    try:
        version, length, text = marker.split("!")
        name = base64.urlsafe_b64decode(text)
        if version == "2" and int(length) == len(name):
            return name
    except ValueError:
        pass
    raise bad_parameter("marker", marker)


def parse(body, tag):
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise Failure(400, "InvalidXmlDocument")
    if root.tag != tag:
        raise Failure(400, "InvalidXmlDocument")
    return root
