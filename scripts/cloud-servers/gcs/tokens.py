"""Where tokens come from: the OAuth token endpoint, the security token service, IAM credentials, and the metadata server."""

import base64
import binascii
import json
from datetime import datetime, timezone
from urllib.parse import parse_qsl

from web.faults import same
from web.messages import Response

from .amazon import TOKEN_TYPE, Amazon
from .errors import Failure, general, invalid
from .identity import AMAZON_PROVIDER, CLOUD_PLATFORM, POOL, PROJECT, PROJECT_NUMBER, PROVIDER, decode_jwt, encode_jwt

SKEW = 300
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SUBJECT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")


class Tokens:
    def __init__(self, identities):
        self.identities = identities
        self.amazon = Amazon()

    # ---- oauth2.googleapis.com/token

    def token(self, request):
        try:
            form = self.form(request)
            grant = form.get("grant_type")
            if grant == JWT_BEARER:
                account, scopes = self.assertion(request, form.get("assertion", ""))
            elif grant == "refresh_token":
                account, scopes = self.refreshed(form), (form.get("scope") or CLOUD_PLATFORM).split()
            else:
                raise Failure(400, "unsupported_grant_type", "", f"Invalid grant_type: {grant}")
        except Failure as error:
            return error.as_oauth()
        seconds = request.effects.get("token_seconds", account.token_seconds)
        return _granted(self.identities.issue(account.member, scopes, seconds, request.now), seconds)

    def form(self, request):
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method != "POST" or kind != "application/x-www-form-urlencoded":
            raise Failure(400, "invalid_request", "", "The request is not a POST with a form")
        return dict(parse_qsl(request.body.read().decode(), keep_blank_values=True))

    def assertion(self, request, token):
        """RFC 7523, with what Google asks for."""
        try:
            head, claims, signed, signature = decode_jwt(token)
            account = self.identities.accounts.get(claims["iss"])
            issued, expires = int(claims["iat"]), int(claims["exp"])
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise Failure(400, "invalid_grant", "", "Invalid JWT: the assertion is not one, or iss, iat or exp is missing")
        if account is None:
            raise Failure(400, "invalid_grant", "", "Invalid grant: account not found")
        keys = [key for key in account.keys if head.get("kid") in (None, key.identifier)]
        if head.get("alg") != "RS256" or not any(key.verifies(signature, signed) for key in keys):
            raise Failure(400, "invalid_grant", "", "Invalid JWT Signature.")
        if claims.get("aud") not in (f"{request.base_url}/token", "https://oauth2.googleapis.com/token"):
            raise Failure(400, "invalid_grant", "", f"Invalid JWT: Failed audience check: {claims.get('aud')}")
        if not (issued - SKEW <= request.now < expires + SKEW and 0 < expires - issued <= 3600):
            message = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values"
            raise Failure(400, "invalid_grant", "", f"{message} in the JWT claim.")
        scopes = str(claims.get("scope", "")).split()
        if not scopes:
            raise Failure(400, "invalid_scope", "", "Invalid OAuth scope or ID token audience provided.")
        return account, scopes

    def refreshed(self, form):
        client, secret, account = self.identities.refresh_tokens.get(form.get("refresh_token"), ("", "", None))
        if account is None:
            raise Failure(400, "invalid_grant", "", "Bad Request")
        if not same(client, form.get("client_id", "")) or not same(secret, form.get("client_secret", "")):
            raise Failure(401, "invalid_client", "", "Unauthorized")
        return account

    # ---- sts.googleapis.com/v1/token

    def exchange(self, request):
        """RFC 8693: a token of an identity provider for one of Google's."""
        try:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            form = json.loads(request.body.read()) if kind == "application/json" else self.form(request)
            # The JSON form has its names in camel case.
            form = {"".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name): value for name, value in form.items()}
            if form.get("grant_type") != TOKEN_EXCHANGE or form.get("requested_token_type") != ACCESS_TOKEN:
                raise Failure(400, "invalid_request", "", "Invalid grant_type or requested_token_type")
            if form.get("audience") not in (PROVIDER, AMAZON_PROVIDER):
                raise Failure(400, "invalid_target", "", f"The target service indicated by the \"audience\" parameters is invalid: {form.get('audience')}")
            scopes = form.get("scope", "").split()
            if not scopes:
                raise Failure(400, "invalid_scope", "", "The scope is missing")
            subject, left = self.subject(request, form)
        except Failure as error:
            return error.as_oauth()
        except ValueError:
            return Failure(400, "invalid_request", "", "The body is not a form or JSON").as_oauth()
        seconds = int(min(request.effects.get("token_seconds", 3600), left))
        token = self.identities.issue(f"principal://iam.googleapis.com/{POOL}/subject/{subject}", scopes, seconds, request.now)
        return _granted(token, seconds, issued_token_type=ACCESS_TOKEN)

    def subject(self, request, form):
        """Who it is, and for how long his own token is valid."""
        if form["audience"] == AMAZON_PROVIDER:
            if form.get("subject_token_type") != TOKEN_TYPE:
                raise Failure(400, "invalid_request", "", f"Unsupported subject_token_type: {form.get('subject_token_type')}")
            return self.amazon.subject(form.get("subject_token", ""), AMAZON_PROVIDER, request.now), 3600
        if form.get("subject_token_type") not in SUBJECT_TYPES:
            raise Failure(400, "invalid_request", "", f"Unsupported subject_token_type: {form.get('subject_token_type')}")
        try:
            _, claims, signed, signature = decode_jwt(form.get("subject_token", ""))
            subject, expires = claims["sub"], float(claims["exp"])
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise Failure(400, "invalid_grant", "", "The subject token is not a JWT with sub and exp")
        if not self.identities.provider_key.verifies(signature, signed):
            raise Failure(400, "invalid_grant", "", "The signature of the subject token is not that of the identity provider")
        if expires <= request.now:
            raise Failure(400, "invalid_grant", "", "ID Token has expired")
        if claims.get("aud") not in (PROVIDER, f"https:{PROVIDER}"):
            raise Failure(400, "invalid_grant", "", "The audience in ID Token does not match the expected audience")
        return subject, expires - request.now

    def provider_token(self, wanted, now):
        """What a workload gets from its own identity provider, for a test."""
        claims = {"iss": "https://issuer.example", "aud": wanted.get("audience", f"https:{PROVIDER}"), "sub": wanted.get("subject", "tester")}
        claims |= {"iat": int(now), "exp": int(now + wanted.get("seconds", 600))}
        return encode_jwt(self.identities.provider_key, claims)

    # ---- iamcredentials.googleapis.com

    def iam(self, request, caller, account_name, method):
        account = self.identities.main if account_name == "-" else self.identities.accounts.get(account_name)
        if caller.anonymous:
            raise general(401)
        permission = {"signBlob": "iam.serviceAccounts.signBlob", "generateAccessToken": "iam.serviceAccounts.getAccessToken"}.get(method)
        if permission is None or request.method != "POST":
            raise general(404)
        if CLOUD_PLATFORM not in caller.scopes and "https://www.googleapis.com/auth/iam" not in caller.scopes:
            raise Failure(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "", "Request had insufficient authentication scopes.")
        if account is None or not self.signs(caller, account):
            raise Failure(403, "forbidden", "", f"Permission '{permission}' denied on resource (or it may not exist).")
        try:
            wanted = json.loads(request.body.read())
            if method == "signBlob":
                return self.sign_blob(account, base64.b64decode(wanted["payload"], validate=True))
            return self.access_token(request, account, wanted)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise invalid("Request contains an invalid argument.")

    def signs(self, caller, account):
        pool = f"principalSet://iam.googleapis.com/{POOL}/*"
        return caller.member in account.signers or (caller.member.startswith("principal://") and pool in account.signers)

    def sign_blob(self, account, payload):
        key = account.signing_key()
        return _json({"keyId": key.identifier, "signedBlob": base64.b64encode(key.sign(payload)).decode()})

    def access_token(self, request, account, wanted):
        seconds = float(wanted.get("lifetime", "3600s").removesuffix("s"))
        if not wanted["scope"] or not 0 < seconds <= 3600:
            raise ValueError
        seconds = request.effects.get("token_seconds", min(seconds, account.token_seconds))
        token = self.identities.issue(account.member, wanted["scope"], seconds, request.now)
        return _json({"accessToken": token, "expireTime": rfc3339(request.now + seconds)[:-5] + "Z"})

    # ---- metadata.google.internal

    def metadata(self, request, path):
        headers = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
        if request.headers.get("metadata-flavor") != "Google" or "x-forwarded-for" in request.headers:
            return Response(403, headers, b"Missing Metadata-Flavor:Google header")
        account = self.identities.main
        texts = {
            "": "computeMetadata/\n",
            "project/project-id": PROJECT,
            "project/numeric-project-id": PROJECT_NUMBER,
            "instance/zone": f"projects/{PROJECT_NUMBER}/zones/europe-west1-b",
            "instance/service-accounts/": f"default/\n{account.email}/\n",
            "universe/universe-domain": "googleapis.com",
        }
        if path in texts:
            return Response(200, {**headers, "Content-Type": "application/text"}, texts[path].encode())
        for name in ("default", account.email):
            about = {
                "aliases": ["default"], "email": account.email, "scopes": [CLOUD_PLATFORM],
            }
            if path == f"instance/service-accounts/{name}/" and request.parameter("recursive", "").lower() == "true":
                return Response(200, {**headers, "Content-Type": "application/json"}, json.dumps(about).encode())
            if path == f"instance/service-accounts/{name}/email":
                return Response(200, {**headers, "Content-Type": "application/text"}, account.email.encode())
            if path == f"instance/service-accounts/{name}/scopes":
                return Response(200, {**headers, "Content-Type": "application/text"}, f"{CLOUD_PLATFORM}\n".encode())
            if path == f"instance/service-accounts/{name}/token":
                seconds = request.effects.get("token_seconds", account.token_seconds)
                scopes = (request.parameter("scopes") or CLOUD_PLATFORM).split(",")
                response = _granted(self.identities.issue(account.member, scopes, seconds, request.now), seconds)
                response.headers |= headers
                return response
        return Response(404, headers)


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _granted(token, seconds, **more):
    return _json({"access_token": token, "expires_in": int(seconds), "token_type": "Bearer", **more})


def _json(value):
    return Response(200, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(value).encode())
