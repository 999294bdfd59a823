"""Roles of AWS as subjects of workload identity federation. The signatures are computed again by Amazon's own package."""

import json
import re
import secrets
from urllib.parse import unquote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from web.faults import same

from .errors import Failure
from .signatures import instant

TOKEN_TYPE = "urn:ietf:params:aws:token-type:aws4_request"
HOST = re.compile(r"sts(?:\.([a-z0-9-]+))?\.amazonaws\.com")
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([a-z0-9-]+)/sts/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")
TARGET = "x-goog-cloud-target-resource"


class Amazon:
    def __init__(self):
        self.keys = {}  # by access key: secret key, session token, ARN

    def add(self, wanted):
        """A role with keys, as a machine of AWS has."""
        access = f"ASIA{secrets.token_hex(8).upper()}"
        arn = f"arn:aws:sts::123456789012:assumed-role/{wanted.get('role', 'tests')}/{secrets.token_hex(4)}"
        self.keys[access] = (secrets.token_urlsafe(30), secrets.token_urlsafe(60), arn)
        secret, session, _ = self.keys[access]
        return {"access_key": access, "secret_key": secret, "session_token": session, "arn": arn}

    def subject(self, token, audience, now):
        """The ARN of whoever signed a request of GetCallerIdentity, which is what such a token is."""
        try:
            wanted = json.loads(unquote(token))
            url, method = urlsplit(wanted["url"]), wanted["method"]
            headers = {entry["key"].lower(): entry["value"] for entry in wanted["headers"]}
            access, date, region, signed, signature = AUTHORIZATION.fullmatch(headers["authorization"]).groups()
            timestamp = headers["x-amz-date"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _refused("The subject token is not a signed request")
        host = HOST.fullmatch(url.netloc)
        query = sorted(url.query.split("&"))
        if url.scheme != "https" or host is None or method != "POST" or query != ["Action=GetCallerIdentity", "Version=2011-06-15"]:
            raise _refused("The subject token is not a request of GetCallerIdentity")
        if headers.get("host") != url.netloc or host.group(1) not in (None, region) or timestamp[:8] != date:
            raise _refused("The host, the region or the day of the subject token differ")
        # Google's own clients do not sign for which provider it is.
        if headers.get(TARGET) != audience or not {"host", "x-amz-date"} <= set(signed.split(";")):
            raise _refused("The subject token is for another provider, or does not sign its host and time")
        secret, session, arn = self.keys.get(access, (None, None, None))
        if secret is None or not same(headers.get("x-amz-security-token", ""), session):
            raise _refused("The security token included in the request is invalid")
        if abs(now - instant(timestamp)) > 15 * 60:
            raise _refused("Signature expired")
        request = AWSRequest("POST", wanted["url"], {name: headers[name] for name in signed.split(";") if name in headers})
        request.context["timestamp"] = timestamp
        auth = SigV4Auth(Credentials(access, secret), "sts", region)
        expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        if not same(expected, signature):
            raise _refused("The request signature we calculated does not match the signature you provided")
        return arn


def _refused(message):
    return Failure(400, "invalid_grant", "", f"Received invalid response from AWS: {message}.")
