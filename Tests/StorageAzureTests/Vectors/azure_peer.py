"""Signs with azure-storage-blob, so that another implementation can be compared with it: JSON lines in, JSON lines out, in order.

A line with "method" is a request, whose answer is the value of Authorization. Any other is a blob that an address is signed for: by the account's key,
or with "delegation" by one of an identity. The answer is the items of the address's query. Values and names of blobs come unencoded.
"""

import json
import sys
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import UserDelegationKey, _shared_access_signature, generate_blob_sas
from azure.storage.blob._shared import sign_string
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy


def request(wanted):
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in wanted["query"])
    url = wanted["host"] + quote(wanted["path"], safe="/") + (f"?{query}" if query else "")
    signed = HttpRequest(wanted["method"], url, headers=dict(wanted["headers"]))
    if wanted["length"]:
        signed.headers["content-length"] = str(wanted["length"])
    SharedKeyCredentialPolicy(wanted["account"], wanted["key"]).on_request(PipelineRequest(signed, PipelineContext(None)))
    return signed.headers["Authorization"]


def address(wanted):
    # The package signs for the newest version that it knows.
    _shared_access_signature.X_MS_VERSION = wanted["version"]
    texts = []
    options = {
        "account_name": wanted["account"], "container_name": wanted["container"], "blob_name": wanted["blob"], "snapshot": wanted.get("snapshot"),
        "version_id": wanted.get("versionID"), "permission": "r", "expiry": datetime.fromtimestamp(wanted["expires"], timezone.utc),
        "protocol": "https" if wanted["requiresHTTPS"] else None, "sts_hook": texts.append,
    }
    if "delegation" not in wanted:
        return dict(parse_qsl(generate_blob_sas(**options, account_key=wanted["key"])))
    key = UserDelegationKey()
    for name, value in wanted["delegation"].items():
        setattr(key, name if name == "value" else f"signed_{name}", value)
    items = dict(parse_qsl(generate_blob_sas(**options, user_delegation_key=key)))
    # What is signed has lines that came later, however old the version.
    lines = texts[0].split("\n")
    extra = wanted["blob"].count("\n")
    assert len(lines) == 28 + extra, texts
    for first, last, since in ((21, 23, "2026-04-06"), (13, 15, "2025-07-05")):
        if wanted["version"] < since:
            del lines[first + extra:last + extra]
    return items | {"sig": sign_string(key.value, "\n".join(lines))}


for line in sys.stdin:
    wanted = json.loads(line)
    print(json.dumps(request(wanted) if "method" in wanted else address(wanted)))
