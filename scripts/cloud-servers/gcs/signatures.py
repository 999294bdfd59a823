"""Who sent a request: its bearer token, or its V4 signature, computed again as Google's documentation of canonical requests says."""

import hashlib
import hmac
import re
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, unquote

from web.faults import same

from .errors import Failure, general
from .identity import ANONYMOUS, Caller, decode_jwt

MOST_SECONDS = 604_800
SKEW = 15 * 60
AUDIENCE = "https://storage.googleapis.com/"


def caller_of(request, identities):
    """The caller, of whom it is known that it is him; refuses what is wrong, and never takes it for anonymous."""
    authorization = request.headers.get("authorization")
    names = {name.lower() for name, _ in request.query}
    in_query = "x-goog-signature" in names or "x-goog-algorithm" in names
    if authorization is None:
        return _by_query(request, identities) if in_query else ANONYMOUS
    if in_query:
        raise Failure(400, "invalid", "InvalidArgument", "Only one auth mechanism allowed; the request has a signature and an Authorization header.")
    kind, _, rest = authorization.partition(" ")
    if kind.lower() == "bearer":
        return _by_token(request, identities, rest)
    if kind in ("GOOG4-RSA-SHA256", "GOOG4-HMAC-SHA256"):
        return _by_header(request, identities, kind, rest)
    raise general(401)


def _by_token(request, identities, token):
    caller = identities.caller(token, request.now)
    if caller is None and token.count(".") == 2 and not token.startswith("ya29."):
        caller = _by_own_token(request, identities, token)
    if caller is None:
        headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'}
        raise Failure(401, "authError", "AuthenticationRequired", "Invalid Credentials", headers)
    return caller


def _by_own_token(request, identities, token):
    """A JWT that the service account signed itself, in place of one from the token endpoint."""
    try:
        head, claims, signed, signature = decode_jwt(token)
        account = identities.accounts[claims["iss"]]
        valid = claims["sub"] == claims["iss"] and int(claims["iat"]) - 300 <= request.now < int(claims["exp"]) and head["alg"] == "RS256"
    except (ValueError, KeyError, TypeError):
        return None
    scopes = str(claims.get("scope", "")).split()
    if claims.get("aud") not in (AUDIENCE, f"{request.base_url}/") and not scopes:
        return None
    if not valid or not any(key.verifies(signature, signed) for key in account.keys if key.identifier == head.get("kid")):
        return None
    return Caller(account.member, frozenset(scopes) if scopes else None)


def _by_query(request, identities):
    values = {name.lower(): value for name, value in request.query}
    wanted = ("x-goog-algorithm", "x-goog-credential", "x-goog-date", "x-goog-expires", "x-goog-signedheaders", "x-goog-signature")
    if any(name not in values for name in wanted):
        raise _malformed("The request is missing one of the query parameters of a signature.")
    algorithm, credential, date, expires, signed, signature = (values[name] for name in wanted)
    began = instant(date)
    if not re.fullmatch("[0-9]{1,7}", expires) or not 0 < int(expires) <= MOST_SECONDS:
        raise _malformed("X-Goog-Expires must be between 1 and 604800 seconds.")
    caller = _verify(request, identities, algorithm, credential, date, signed, signature, _query(request, "x-goog-signature"))
    if request.now < began - SKEW:
        raise Failure(403, "forbidden", "RequestTimeTooSkewed", "The request is not valid yet.")
    if request.now > began + int(expires):
        # With this status, unlike a signature that differs.
        raise Failure(400, "invalid", "ExpiredToken", "The provided token has expired.")
    return caller


def _by_header(request, identities, algorithm, rest):
    values = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    try:
        credential, signed, signature = values["Credential"], values["SignedHeaders"], values["Signature"]
        date = request.headers["x-goog-date"]
    except KeyError:
        raise _malformed("The Authorization header or x-goog-date is incomplete.")
    if "x-goog-content-sha256" not in request.headers:
        raise _malformed("x-goog-content-sha256 is missing.")
    began = instant(date)
    caller = _verify(request, identities, algorithm, credential, date, signed, signature, _query(request))
    if abs(request.now - began) > SKEW:
        message = "The difference between the request time and the current time is too large."
        raise Failure(403, "forbidden", "RequestTimeTooSkewed", message)
    return caller


def _verify(request, identities, algorithm, credential, date, signed, signature, query):
    scope = credential.split("/")
    if len(scope) != 5 or scope[1] != date[:8] or scope[3:] != ["storage", "goog4_request"] or not scope[2]:
        raise _malformed("The credential scope is not DATE/LOCATION/storage/goog4_request.")
    names = signed.split(";")
    if names != sorted(set(names)) or "host" not in names or any(name != name.lower() for name in names):
        raise _malformed("The signed headers are not sorted, in lower case, with host among them.")
    missing = [name for name in names if name not in request.headers]
    if missing:
        raise _malformed(f"Header was included in signedheaders, but not in the request: {missing[0]}")
    unsigned = [name for name in request.headers if name.startswith("x-goog-") and name not in names]
    if unsigned:
        raise _malformed(f"Header was in the request, but not in signedheaders: {unsigned[0]}")
    payload = request.headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD")
    lines = [f"{name}:{' '.join(request.headers[name].split())}\n" for name in names]
    # Whatever of it was encoded that need not have been, both sides encode the same.
    path = quote(unquote(request.raw_path), safe="/~")
    canonical = "\n".join([request.method, path, query, "".join(lines), signed, payload])
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    to_sign = "\n".join([algorithm, date, "/".join(scope[1:]), digest])
    caller = _signer(identities, algorithm, scope, to_sign, signature)
    if caller is None:
        details = f"The request signature we calculated does not match the signature you provided. StringToSign: {to_sign!r}, of {canonical!r}"
        raise Failure(403, "forbidden", "SignatureDoesNotMatch", details)
    if payload != "UNSIGNED-PAYLOAD":
        request.body.sha256 = payload
    return caller


def _signer(identities, algorithm, scope, to_sign, signature):
    if not re.fullmatch("([0-9a-f]{2})+", signature):
        return None
    if algorithm == "GOOG4-RSA-SHA256":
        account = identities.accounts.get(scope[0])
        if account is None:
            return None
        matches = any(key.verifies(bytes.fromhex(signature), to_sign.encode()) for key in account.all_keys())
        return Caller(account.member) if matches else None
    if algorithm == "GOOG4-HMAC-SHA256":
        secret, account = identities.hmac_keys.get(scope[0], (None, None))
        if account is None:
            return None
        key = f"GOOG4{secret}".encode()
        for part in scope[1:]:
            key = hmac.digest(key, part.encode(), "sha256")
        expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
        return Caller(account.member) if same(expected, signature) else None
    raise _malformed("The algorithm is neither GOOG4-RSA-SHA256 nor GOOG4-HMAC-SHA256.")


def _query(request, without=None):
    """The canonical query. "+" is not a blank here, because nobody who signs writes one so."""
    pairs = parse_qsl(request.raw_query.replace("+", "%2B"), keep_blank_values=True)
    encoded = [(quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs if name.lower() != without]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def instant(text):
    """Seconds since 1970 of a date as signatures have it."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise _malformed("The date is not of the form YYYYMMDDTHHMMSSZ.")


def _malformed(message):
    return Failure(400, "invalid", "MalformedSecurityHeader", message)
