"""Who sent a request and what that allows. The signatures are computed again by Microsoft's own package."""

import re

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._serialize import _SUPPORTED_API_VERSIONS
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy

from web.faults import same
from web.messages import parse_date

from .errors import Failure, bad_header, missing_header
from .grants import Grant
from .identity import ROLES
from .sharing import Sharing, unauthenticated

SKEW = 15 * 60


class Authorizer:
    def __init__(self, entra):
        self.entra = entra
        self.sharing = Sharing(entra)

    def grant(self, request, account, container, blob):
        """What the request may do; refuses what is wrong, and never takes it for anonymous."""
        authorization = request.headers.get("authorization")
        self.check_version(request, authorization)
        if authorization is None:
            return self.sharing.grant(request, account, container, blob) if request.has("sig") else self.anonymous(request, account, container)
        kind, _, rest = authorization.partition(" ")
        if kind == "SharedKey":
            return self.keyed(request, account, rest)
        if kind == "Bearer":
            return self.bearer(request, rest)
        raise Failure(400, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format.")

    def check_version(self, request, authorization):
        version = version_of(request)
        if version is None and authorization is not None:
            raise missing_header("x-ms-version")
        # Those that the package knows, and newer ones, which other packages may know.
        newer = version is not None and re.fullmatch(r"\d{4}-\d\d-\d\d", version) and version > _SUPPORTED_API_VERSIONS[-1]
        if version is not None and not newer and version not in _SUPPORTED_API_VERSIONS:
            raise bad_header("x-ms-version", version)

    # ---- Shared Key

    def keyed(self, request, account, rest):
        name, _, _ = rest.partition(":")
        if not account.allow_shared_key:
            raise Failure(403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.")
        date = request.headers.get("x-ms-date", request.headers.get("date"))
        if date is None:
            raise missing_header("x-ms-date")
        sent = parse_date(date)
        if sent is None or abs(sent - request.now) > SKEW:
            raise unauthenticated("The date of the request is not one, or too far away")
        headers = {key: value for key, value in request.headers.items() if key != "authorization"}
        signed = HttpRequest(request.method, f"{request.base_url}{request.target}", headers)
        SharedKeyCredentialPolicy(account.name, account.key).on_request(PipelineRequest(signed, PipelineContext(None)))
        if name != account.name or not same(signed.headers["Authorization"], f"SharedKey {rest}"):
            raise unauthenticated("The MAC signature found in the HTTP request is not the same as any computed signature")
        return Grant("key", lambda operation, container, blob: None)

    # ---- Entra ID

    def bearer(self, request, token):
        application = self.entra.bearer(token, request.now)
        if application is None:
            message = "Server failed to authenticate the request. Please refer to the information in the www-authenticate header."
            raise Failure(401, "InvalidAuthenticationInfo", message, self.challenge())

        def allows(operation, container, blob):
            if operation not in ROLES[application.role]:
                raise Failure(403, "AuthorizationPermissionMismatch")

        return Grant("bearer", allows, application)

    def challenge(self):
        uri = f"https://login.microsoftonline.com/{self.entra.tenant}/oauth2/authorize"
        return {"WWW-Authenticate": f"Bearer authorization_uri={uri} resource_id=https://storage.azure.com"}

    # ---- nobody

    def anonymous(self, request, account, container):
        def allows(operation, container_name, blob):
            found = account.containers.get(container)
            public = found.public if found is not None and account.allow_public else None
            if public == "container" and operation in ("read", "list") or (public == "blob" and operation == "read" and blob is not None):
                return
            if not account.allow_public and request.method in ("GET", "HEAD"):
                raise Failure(409, "PublicAccessNotPermitted")
            if (version_of(request) or "") >= "2019-12-12":
                raise Failure(401, "NoAuthenticationInformation", None, self.challenge())
            raise Failure(404, "ResourceNotFound")

        return Grant("anonymous", allows)


def version_of(request):
    """Of a request in a batch that of the batch, as which it is not signed."""
    outer = request.outer.headers.get("x-ms-version") if request.outer is not None else None
    return request.headers.get("x-ms-version", outer) or request.parameter("sv")
