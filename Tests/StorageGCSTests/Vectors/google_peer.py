"""Signs URLs with google-cloud-storage, so that another implementation can be compared with it: JSON lines in, JSON lines out, in order.

Names, keys and values come unencoded. With "account", the key file of a service account, its key signs. Without, the "signature" is the SHA-256 of
what would be signed, which shows every difference at a thousandth of the price.
"""

import hashlib
import json
import sys
from datetime import datetime, timezone
from urllib.parse import quote

from google.auth.credentials import Signing
from google.cloud.storage._signing import generate_signed_url_v4
from google.oauth2.service_account import Credentials


class Digest(Signing):
    def __init__(self, email):
        self.email = email

    def sign_bytes(self, message):
        return hashlib.sha256(message).digest()

    @property
    def signer_email(self):
        return self.email

    @property
    def signer(self):
        return self


def sign(wanted):
    account = wanted.get("account")
    credentials = Credentials.from_service_account_info(json.loads(account)) if account else Digest(wanted["email"])
    moment = datetime.fromtimestamp(wanted["time"], timezone.utc)
    return generate_signed_url_v4(
        credentials,
        # As Blob.generate_signed_url makes it.
        f"/{wanted['bucket']}/{quote(wanted['key'].encode(), safe=b'/~')}",
        wanted["seconds"],
        api_access_endpoint=wanted["endpoint"],
        method=wanted["method"],
        headers=dict(wanted["headers"]),
        query_parameters=dict(wanted["query"]),
        _request_timestamp=moment.strftime("%Y%m%dT%H%M%SZ"),
    )


for line in sys.stdin:
    print(json.dumps(sign(json.loads(line))))
