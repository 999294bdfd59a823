"""Signs requests with botocore, so that another implementation can be compared with it: JSON lines in, JSON lines out, in order.

A line with "chunked" asks for the body of a request with a checksum behind it; any other is a request to sign, in its header fields
or, with "life", in its query. Keys, names and values come unencoded: botocore encodes them itself.
"""

import base64
import datetime
import io
import json
import sys

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpchecksum import AwsChunkedWrapper, BaseChecksum
from botocore.utils import percent_encode


def authenticator(wanted, credentials):
    if "life" in wanted:
        return S3SigV4QueryAuth(credentials, "s3", wanted["region"], expires=wanted["life"])

    class Auth(S3SigV4Auth):
        def payload(self, request):
            return wanted.get("contentSHA256") or super().payload(request)

    return Auth(credentials, "s3", wanted["region"])


def sign(wanted):
    moment = datetime.datetime.fromtimestamp(wanted["time"], datetime.timezone.utc).replace(tzinfo=None)
    botocore.auth.get_current_datetime = lambda *_: moment
    request = AWSRequest(
        method=wanted["method"],
        url=f"{wanted['scheme']}://{wanted['host']}/{percent_encode(wanted['key'], safe='/~')}",
        data=base64.b64decode(wanted["body"]),
        params=[tuple(item) for item in wanted["query"]],
    )
    for name, value in wanted["headers"]:
        # Appends, where the same name is there already.
        request.headers[name] = value
    credentials = Credentials(wanted["accessKeyID"], wanted["secretAccessKey"], wanted.get("sessionToken"))
    authenticator(wanted, credentials).add_auth(request)
    if "life" in wanted:
        return request.url
    return request.headers["Authorization"]


def crc32c_of(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


class Crc32c(BaseChecksum):
    """botocore's own needs a library in C."""

    table = [crc32c_of(byte) for byte in range(256)]

    def __init__(self):
        self.state = 0xFFFFFFFF

    def update(self, chunk):
        for byte in chunk:
            self.state = self.state >> 8 ^ self.table[(self.state ^ byte) & 0xFF]

    def digest(self):
        return (self.state ^ 0xFFFFFFFF).to_bytes(4, "big")


def chunked(wanted):
    body = io.BytesIO(base64.b64decode(wanted["body"]))
    encoded = AwsChunkedWrapper(body, Crc32c, "x-amz-checksum-crc32c", wanted["chunked"]).read()
    return base64.b64encode(encoded).decode("ascii")


for line in sys.stdin:
    wanted = json.loads(line)
    print(json.dumps(chunked(wanted) if "chunked" in wanted else sign(wanted)))
