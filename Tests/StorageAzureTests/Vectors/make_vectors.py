"""Writes requests.json and addresses.json with the signatures of Microsoft's own library.

    pip install azure-storage-blob==12.19.1
    python make_vectors.py

The release matters: it is the last one that speaks version 2023-11-03 of the protocol, on which the form of signed addresses depends.
"""

import base64
import datetime
import json
import pathlib

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import UserDelegationKey, generate_blob_sas
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from azure.storage.blob._shared.constants import X_MS_VERSION

ACCOUNT = "mymirror"
KEY = base64.b64encode(bytes(range(64))).decode()
DATE = "Fri, 24 May 2013 00:00:00 GMT"
HOST = "https://mymirror.blob.core.windows.net"
COMMON = {"x-ms-date": DATE, "x-ms-version": X_MS_VERSION}
METADATA = {
    "x-ms-blob-content-type": "application/x-tar; charset=utf-8",
    "x-ms-blob-content-encoding": "gzip",
    "x-ms-blob-content-disposition": 'attachment; filename="a b.tar"',
    "x-ms-meta-cloud_mirror_upstream_url": "https://example.org/a%20b.tar",
    "x-ms-meta-cloud_mirror_upstream_url_1": "more",
    "x-ms-meta-cloud_mirror_stored": "2026-01-31T12:00:00.000Z",
    "x-ms-meta-cloud_mirror_sha256": "00" * 32,
    "x-ms-meta-cloud_mirror_upstream_etag": "%22e%22",
}

REQUESTS = [
    ("head", "HEAD", "/c/example.org/a.tar", {}, COMMON, 0),
    ("get a range", "GET", "/c/a.tar", {}, {**COMMON, "x-ms-range": "bytes=0-99", "If-Match": '"0x8D"'}, 0),
    ("a name with everything", "GET", "/c/a%20b/%C3%BC%2B~%28%27%29%2A%26%3D%3F%23%25.tar", {}, COMMON, 0),
    ("put a blob", "PUT", "/c/a.tar", {},
     {**COMMON, **METADATA, "x-ms-blob-type": "BlockBlob", "If-None-Match": "*", "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, 1234),
    ("put an empty blob", "PUT", "/c/a.tar", {}, {**COMMON, "x-ms-blob-type": "BlockBlob"}, 0),
    ("put a block", "PUT", "/c/a.tar", {"comp": "block", "blockid": "AAECAwQFBgcICQoLDA0ODwAAAAEAAAAC+/=="},
     {**COMMON, "x-ms-content-crc64": "Po2DlTDcfwA="}, 8_388_608),
    ("put a list of blocks", "PUT", "/c/a.tar", {"comp": "blocklist"},
     {**COMMON, **METADATA, "Content-Type": "application/xml", "x-ms-content-crc64": "Po2DlTDcfwA=", "If-None-Match": "*"}, 77),
    ("copy a block", "PUT", "/c/a.tar", {"comp": "block", "blockid": "AAAA"},
     {**COMMON, "x-ms-copy-source": "https://example.org/a%20b.tar?x=1&y=%2F", "x-ms-source-range": "bytes=0-99",
      "x-ms-source-if-match": '"e"', "x-ms-source-content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
      "x-ms-copy-source-authorization": "Bearer token"}, 0),
    ("list", "GET", "/c",
     {"restype": "container", "comp": "list", "maxresults": "1000", "prefix": "cloud-mirror/", "marker": "2!92!MDAw/+= ü&"}, COMMON, 0),
    ("delete", "DELETE", "/c/a.tar", {}, {**COMMON, "x-ms-delete-snapshots": "include", "If-Match": '"0x8D"'}, 0),
    ("delete as a part of a batch", "DELETE", "/c/a.tar", {}, {"x-ms-date": DATE, "x-ms-delete-snapshots": "include"}, 0),
    ("a batch", "POST", "/c", {"restype": "container", "comp": "batch"},
     {**COMMON, "Content-Type": "multipart/mixed; boundary=batch_0123"}, 500),
    ("a version", "GET", "/c/a.tar", {"versionid": "2023-11-03T00:00:00.0000000Z"}, COMMON, 0),
    ("create a container", "PUT", "/c", {"restype": "container"}, {**COMMON, "x-ms-blob-public-access": "blob"}, 0),
    ("of the root", "GET", "/%24root/a.tar", {}, COMMON, 0),
    ("with the account in the path", "GET", "/mymirror/c/a.tar", {}, COMMON, 0),
]


def quoted(text):
    return "".join(chr(b) if chr(b).isascii() and (chr(b).isalnum() or chr(b) in "-._~") else f"%{b:02X}" for b in text.encode())


def signed(name, method, path, query, headers, length):
    url = HOST + path + ("?" + "&".join(f"{quoted(k)}={quoted(v)}" for k, v in query.items()) if query else "")
    request = HttpRequest(method, url, headers=dict(headers))
    if length:
        request.headers["Content-Length"] = str(length)
    SharedKeyCredentialPolicy(ACCOUNT, KEY).on_request(PipelineRequest(request, PipelineContext(None)))
    return {
        "name": name, "method": method, "path": path, "query": [[k, v] for k, v in query.items()],
        "headers": [[k, v] for k, v in headers.items()], "length": length, "authorization": request.headers["Authorization"],
    }


def delegation_key():
    key = UserDelegationKey()
    key.signed_oid = "11111111-2222-3333-4444-555555555555"
    key.signed_tid = "66666666-7777-8888-9999-000000000000"
    key.signed_start = "2026-01-31T12:00:00Z"
    key.signed_expiry = "2026-02-01T18:00:00Z"
    key.signed_service = "b"
    key.signed_version = X_MS_VERSION
    key.value = KEY
    return key


def address(name, blob, container="c", protocol="https", by_key=True, **more):
    query = generate_blob_sas(
        ACCOUNT, container, blob, account_key=KEY if by_key else None, user_delegation_key=None if by_key else delegation_key(),
        permission="r", expiry=datetime.datetime(2026, 1, 31, 13, 0, 0), protocol=protocol, **more)
    return {
        "name": name, "container": container, "blob": blob, "version": more.get("version_id"), "snapshot": more.get("snapshot"),
        "https": protocol is not None, "byKey": by_key, "query": query,
    }


def main():
    here = pathlib.Path(__file__).parent
    addresses = []
    for by_key in (True, False):
        addresses += [
            address("a blob", "example.org/a.tar", by_key=by_key),
            address("by plain HTTP, too", "a.tar", protocol=None, by_key=by_key),
            address("a name with everything", "a b/ü+~(')*&=?#%.tar", by_key=by_key),
            address("a version", "a.tar", version_id="2023-11-03T00:00:00.0000000Z", by_key=by_key),
            address("a snapshot", "a.tar", snapshot="2023-11-03T00:00:00.0000000Z", by_key=by_key),
            address("of the root", "a.tar", container="$root", by_key=by_key),
        ]
    for name, value in (("requests.json", [signed(*row) for row in REQUESTS]), ("addresses.json", addresses)):
        (here / name).write_text(json.dumps(value, indent=2) + "\n")


main()
