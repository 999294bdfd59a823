"""Entra ID: applications that get tokens by a secret, a certificate or a federated assertion, and the endpoints that give them to machines."""

import base64
import binascii
import hashlib
import json
import secrets
import threading
import uuid
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from web.faults import same
from web.messages import Response

from .errors import OAuthFailure

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"
ISSUER = "https://issuer.example"
RESOURCE = "https://storage.azure.com"
ROLES = {
    "owner": {"read", "list", "add", "write", "delete", "container", "acl", "delegate"},
    "contributor": {"read", "list", "add", "write", "delete", "container", "delegate"},
    "reader": {"read", "list", "delegate"},
    "delegator": {"delegate"},
    "none": set(),
}


class Certificate:
    """An RSA key with a certificate that it signed itself."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = datetime.now(timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def pem(self):
        key = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return (key + self.certificate.public_bytes(serialization.Encoding.PEM)).decode()

    def thumbprints(self):
        """As "x5t" and "x5t#S256" of a JWT have them."""
        data = self.certificate.public_bytes(serialization.Encoding.DER)
        return {"x5t": _padless(hashlib.sha1(data).digest()), "x5t#S256": _padless(hashlib.sha256(data).digest())}

    def verifies(self, algorithm, signature, data):
        pads = {"RS256": padding.PKCS1v15(), "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), 32)}
        try:
            self.key.public_key().verify(signature, data, pads[algorithm], hashes.SHA256())
        except (InvalidSignature, KeyError):
            return False
        return True


class Application:
    def __init__(self, role, token_seconds=3599):
        self.client = str(uuid.uuid4())
        self.object = str(uuid.uuid4())
        self.secret = secrets.token_urlsafe(30)
        self.certificate = Certificate()
        self.subject = f"system:serviceaccount:tests:{self.client}"  # whom the identity provider's tokens are about
        self.role = role
        self.token_seconds = token_seconds

    def described(self, tenant):
        return {
            "tenant_id": tenant, "client_id": self.client, "object_id": self.object, "client_secret": self.secret,
            "certificate": self.certificate.pem(), "subject": self.subject,
        }


class Entra:
    def __init__(self):
        self.tenant = str(uuid.uuid4())
        self.main = Application("owner")
        self.applications = {self.main.client: self.main}
        self.provider = Certificate()  # of the identity provider that the applications trust
        self.identity_header = secrets.token_hex(16)  # of App Service
        self.tokens = {}
        self.lock = threading.Lock()

    def add(self, wanted):
        application = Application(wanted.get("role", "contributor"), wanted.get("token_seconds", 3599))
        ROLES[application.role]
        self.applications[application.client] = application
        return application

    def assertion(self, wanted, now):
        """What a workload gets from its own identity provider, for a test."""
        claims = {"iss": ISSUER, "aud": wanted.get("audience", EXCHANGE), "sub": wanted["subject"], "iat": int(now)}
        claims["exp"] = int(now + wanted.get("seconds", 600))
        signed = ".".join(_padless(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
        return f"{signed}.{_padless(self.provider.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def issue(self, application, audience, seconds, now):
        token = "eyJ0." + secrets.token_urlsafe(120)
        with self.lock:
            self.tokens[token] = (application, audience, now + seconds)
        return token

    def revoke(self, client):
        with self.lock:
            self.tokens = {token: held for token, held in self.tokens.items() if held[0].client != client}

    def bearer(self, token, now):
        """The application that has the token, or None where it is unknown, too old, or for something else."""
        application, audience, expires = self.tokens.get(token, (None, "", 0))
        return application if now < expires and audience.rstrip("/") == RESOURCE else None

    # ---- POST /TENANT/oauth2/v2.0/token

    def token(self, request, tenant):
        try:
            if tenant != self.tenant:
                raise OAuthFailure(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if request.method != "POST" or kind != "application/x-www-form-urlencoded":
                raise OAuthFailure(400, "invalid_request", 900144, "The request is not a POST with a form.")
            form = dict(parse_qsl(request.body.read().decode(), keep_blank_values=True))
            if form.get("grant_type") != "client_credentials":
                raise OAuthFailure(400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{form.get('grant_type')}'.")
            application = self.applications.get(form.get("client_id"))
            if application is None:
                raise OAuthFailure(400, "unauthorized_client", 700016, f"Application with identifier '{form.get('client_id')}' was not found.")
            if "client_secret" in form:
                if not same(form["client_secret"], application.secret):
                    raise OAuthFailure(401, "invalid_client", 7000215, "Invalid client secret provided.")
            elif form.get("client_assertion_type") == ASSERTION:
                self.asserted(request, application, form.get("client_assertion", ""))
            else:
                raise OAuthFailure(401, "invalid_client", 7000216, "'client_assertion', 'client_secret' or 'request' is required.")
            scope = form.get("scope", "")
            if not scope.endswith("/.default") or " " in scope:
                raise OAuthFailure(400, "invalid_scope", 1002012, f"The provided value for scope {scope} is not valid.")
        except OAuthFailure as error:
            return error.response()
        seconds = int(request.effects.get("token_seconds", application.token_seconds))
        token = self.issue(application, scope.removesuffix(".default"), seconds, request.now)
        return _json({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token})

    def asserted(self, request, application, token):
        """A JWT of the application's own certificate, or of the identity provider that it trusts."""
        try:
            head, claims, signature = token.split(".")
            signed = f"{head}.{claims}".encode()
            head, claims, signature = json.loads(_unpadded(head)), json.loads(_unpadded(claims)), _unpadded(signature)
            expires, audience = float(claims["exp"]), claims["aud"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise OAuthFailure(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
        if claims.get("iss") == ISSUER:
            known, subject, audiences = self.provider, application.subject, [EXCHANGE]
        else:
            known, subject = application.certificate, application.client
            path = f"/{self.tenant}/oauth2/v2.0/token"
            audiences = [f"{request.base_url}{path}", f"https://login.microsoftonline.com{path}"]
            if claims.get("iss") != application.client:
                raise OAuthFailure(401, "invalid_client", 700213, "No matching federated identity record found for presented assertion issuer.")
            prints = known.thumbprints()
            if not any(name in head and head[name] == prints[name] for name in prints):
                raise OAuthFailure(401, "invalid_client", 700027, "The certificate with that thumbprint is not registered on application.")
        if not known.verifies(head.get("alg"), signature, signed):
            raise OAuthFailure(401, "invalid_client", 700027, "Client assertion failed signature validation.")
        if audience not in audiences:
            raise OAuthFailure(401, "invalid_client", 700212, f"No matching federated identity record found for presented assertion audience '{audience}'.")
        if claims.get("sub") != subject:
            raise OAuthFailure(401, "invalid_client", 700213, "No matching federated identity record found for presented assertion subject.")
        if not request.now < expires + 300 or claims.get("nbf", 0) > request.now + 300:
            raise OAuthFailure(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")

    # ---- machines

    def machine(self, request):
        """The instance metadata service of a virtual machine."""
        if request.headers.get("metadata", "").lower() != "true" or "x-forwarded-for" in request.headers:
            return _json({"error": "invalid_request", "error_description": "Required metadata header not specified"}, 400)
        if not request.parameter("api-version"):
            return _json({"error": "invalid_request", "error_description": "Required query variable 'api-version' is missing"}, 400)
        return self.managed(request)

    def app_service(self, request):
        if not same(request.headers.get("x-identity-header", ""), self.identity_header) or request.parameter("api-version") != "2019-08-01":
            return _json({"statusCode": 401, "message": "X-IDENTITY-HEADER or api-version is wrong"}, 401)
        return self.managed(request)

    def managed(self, request):
        audience = request.parameter("resource", "")
        wanted = request.parameter("client_id", self.main.client)
        application = self.applications.get(wanted)
        if not audience or application is None:
            return _json({"error": "invalid_request", "error_description": "Identity not found"}, 400)
        seconds = int(request.effects.get("token_seconds", application.token_seconds))
        token = self.issue(application, audience, seconds, request.now)
        return _json(
            {
                "access_token": token, "client_id": application.client, "expires_in": str(seconds), "expires_on": str(int(request.now + seconds)),
                "not_before": str(int(request.now)), "resource": audience, "token_type": "Bearer",
            }
        )


def _unpadded(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _padless(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _json(value, status=200):
    return Response(status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(value).encode())
