"""Which request goes where, and what tests may set."""

import base64
import re
import secrets
import uuid
from urllib.parse import unquote

from web.messages import Refused

from . import batch
from .accounts import Account
from .authorization import Authorizer, version_of
from .blobs import Blobs
from .containers import Containers
from .copying import Copying
from .errors import Failure, general
from .identity import Entra

WRONG = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA==", "x-ms-blob-content-md5": "AAAAAAAAAAAAAAAAAAAAAA==", "x-ms-content-crc64": "AAAAAAAAAAA="}
TOKEN_PATH = re.compile(r"/([0-9A-Za-z.-]+)/oauth2/v2\.0/token")


class Application:
    """Beside the rules of web.faults it knows, in a rule:
        token_seconds   how long a token lives that such a request gets
        page_size       how many entries a page of a listing has at most, whatever the client asked for
    and
        GET  /_control/entra           {"tenant_id", "client_id", "object_id", "client_secret", "certificate" (with its key), "subject",
                                       "identity_header" (of App Service)} of an application that may do everything
        POST /_control/applications    {"role": "owner", "contributor", "reader", "delegator" or "none", "token_seconds"} makes another
        POST /_control/assertion       {"subject", "audience", "seconds"} is a token of the identity provider that the applications trust: {"assertion"}
        POST /_control/accounts        {"allow_public": false, "allow_shared_key": false} makes a storage account: {"account", "key"}
        POST /_control/rotate          {"account"} gives it another key: {"account", "key"}
        POST /_control/revoke          {"client_id"} ends all tokens of an application
    """

    def __init__(self, directory, name, key):
        self.entra = Entra()
        self.accounts = {name: Account(name, key)}
        self.authorizer = Authorizer(self.entra)
        self.containers = Containers(self.entra)
        self.blobs = Blobs(directory)
        self.copying = Copying(self.blobs)

    def started(self, _, __):
        pass

    def control(self, request, segments, wanted):
        match (request.method, *segments):
            case ("GET", "entra"):
                return self.entra.main.described(self.entra.tenant) | {"identity_header": self.entra.identity_header}
            case ("POST", "applications"):
                return self.entra.add(wanted).described(self.entra.tenant)
            case ("POST", "assertion"):
                return {"assertion": self.entra.assertion(wanted, request.now)}
            case ("POST", "accounts"):
                name = f"test{secrets.token_hex(6)}"
                account = self.accounts[name] = Account(name, _new_key(), wanted.get("allow_public", True), wanted.get("allow_shared_key", True))
                return {"account": name, "key": account.key}
            case ("POST", "rotate"):
                account = self.accounts[wanted["account"]]
                account.key = _new_key()
                return {"account": account.name, "key": account.key}
            case ("POST", "revoke"):
                self.entra.revoke(wanted["client_id"])
                return {}
        return None

    def failure(self, request, status, code):
        return self.finished(request, general(status, code).response())

    def spoil(self, response):
        """Makes the checksums in an answer those of something else."""
        for name, wrong in WRONG.items():
            if response.headers.get(name):
                response.headers[name] = wrong

    def finished(self, request, response):
        """With what every answer has."""
        response.headers["x-ms-request-id"] = str(uuid.uuid4())
        response.headers["x-ms-version"] = version_of(request) or "2018-03-28"
        response.headers["Server"] = "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"
        if "x-ms-client-request-id" in request.headers:
            response.headers["x-ms-client-request-id"] = request.headers["x-ms-client-request-id"]
        return response

    def respond(self, request):
        try:
            tenant = TOKEN_PATH.fullmatch(request.raw_path)
            if tenant is not None:
                return self.entra.token(request, tenant.group(1))
            if request.raw_path == "/metadata/identity/oauth2/token" and request.method == "GET":
                return self.entra.machine(request)
            if request.raw_path == "/msi/token" and request.method == "GET":
                return self.entra.app_service(request)
            response = self.storage(request)
        except Failure as error:
            response = error.response()
        except Refused as error:
            response = general(error.status).response()
        return self.finished(request, response)

    def storage(self, request):
        """The account is the first part of the path, or of the host's name."""
        path = request.raw_path[1:]
        account = self.accounts.get(request.host.partition(".")[0])
        if account is None:
            name, _, path = path.partition("/")
            account = self.accounts.get(name)
        if account is None:
            raise Failure(404 if path else 400, "ResourceNotFound" if path else "InvalidUri")
        container, _, blob = path.partition("/")
        container, blob = unquote(container) or None, unquote(blob) or None
        grant = self.authorizer.grant(request, account, container, blob)
        if blob is not None:
            return self.blob(request, account, grant, container, blob)
        if container is not None and request.parameter("restype") == "container":
            return self.container(request, account, grant, container)
        if container is None:
            return self.service(request, account, grant)
        grant.require("read", container)
        raise Failure(400, "InvalidQueryParameterValue")

    def service(self, request, account, grant):
        containers = self.containers
        match (request.method, request.parameter("restype"), request.parameter("comp")):
            case ("GET", None, "list"):
                return containers.list(request, account, grant)
            case ("GET" | "HEAD", "service" | "account", "properties"):
                return containers.service_properties(request, account, grant)
            case ("POST", "service", "userdelegationkey"):
                return containers.delegation_key(request, account, grant)
            case ("POST", _, "batch"):
                return batch.answer(request, grant, self.respond)
        grant.require("read")
        raise general(405)

    def container(self, request, account, grant, name):
        containers = self.containers
        match (request.method, request.parameter("comp")):
            case ("PUT", None):
                return containers.create(request, account, grant, name)
            case ("GET" | "HEAD", None | "metadata"):
                return containers.properties(request, account, grant, name)
            case ("DELETE", None):
                return containers.delete(request, account, grant, name)
            case ("PUT", "metadata"):
                return containers.set_metadata(request, account, grant, name)
            case ("GET" | "HEAD", "acl"):
                return containers.get_acl(request, account, grant, name)
            case ("PUT", "acl"):
                return containers.set_acl(request, account, grant, name)
            case ("GET", "list"):
                return containers.list_blobs(request, account, grant, name)
            case ("POST", "batch"):
                return batch.answer(request, grant, self.respond)
        raise general(405)

    def blob(self, request, account, grant, container, name):
        blobs, copying = self.blobs, self.copying
        arguments = (request, account, grant, container, name)
        source = "x-ms-copy-source" in request.headers
        match (request.method, request.parameter("comp")):
            case ("GET" | "HEAD", None):
                return blobs.get(*arguments)
            case ("PUT", None) if source and "x-ms-blob-type" in request.headers:
                return copying.put_blob(*arguments)
            case ("PUT", None) if source:
                return copying.copy(*arguments)
            case ("PUT", None):
                return blobs.put(*arguments)
            case ("DELETE", None):
                return blobs.delete(*arguments)
            case ("PUT", "block") if source:
                return copying.put_block(*arguments)
            case ("PUT", "block"):
                return blobs.put_block(*arguments)
            case ("PUT", "blocklist"):
                return blobs.put_block_list(*arguments)
            case ("GET", "blocklist"):
                return blobs.get_block_list(*arguments)
            case ("GET" | "HEAD", "metadata"):
                return blobs.get_metadata(*arguments)
            case ("PUT", "metadata"):
                return blobs.set_metadata(*arguments)
            case ("PUT", "properties"):
                return blobs.set_properties(*arguments)
            case ("PUT", "tier"):
                return blobs.set_tier(*arguments)
        grant.require("read", container, name)
        raise Failure(501, "NotImplemented", "This server for tests does not know the operation.")


def _new_key():
    return base64.b64encode(secrets.token_bytes(64)).decode()
