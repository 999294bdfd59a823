"""The XML API's multipart uploads."""

import base64
import re
from xml.sax.saxutils import escape

from web.content import Content
from web.messages import Response

from . import digests
from .errors import Failure, invalid, unsupported
from .store import Conditions, Object, check_name, new_identifier
from .tokens import rfc3339
from .xml_objects import NAMESPACE, fields_of, parse, xml

LEAST_PART = 5 << 20
MOST_PARTS = 10_000


class Part:
    def __init__(self, content, found, now):
        self.content = content
        self.crc32c = found.crc32c
        self.etag = base64.b64decode(found.md5).hex()
        self.written = now


class Upload:
    def __init__(self, name, fields, now):
        self.name = name
        self.fields = fields
        self.began = now
        self.parts = {}


class XMLUploads:
    def __init__(self, store, access):
        self.store = store
        self.access = access

    def begin(self, request, caller, bucket_name, name):
        bucket = self.authorized(request, caller, bucket_name, name, "create")
        check_name(name)
        if request.body.read():
            raise invalid("The request that begins an upload has no body.")
        identifier = new_identifier()
        bucket.uploads[identifier] = Upload(name, fields_of(request), request.now)
        names = f"<Bucket>{escape(bucket.name)}</Bucket><Key>{escape(name)}</Key><UploadId>{identifier}</UploadId>"
        return xml(f"<InitiateMultipartUploadResult xmlns='{NAMESPACE}'>{names}</InitiateMultipartUploadResult>")

    def write(self, request, caller, bucket_name, name):
        bucket = self.authorized(request, caller, bucket_name, name, "create")
        number = request.parameter("partNumber", "")
        if not re.fullmatch("[0-9]{1,5}", number) or not 0 < int(number) <= MOST_PARTS:
            raise invalid("Part number must be an integer between 1 and 10000, inclusive.")
        if "x-goog-copy-source" in request.headers:
            raise unsupported("parts that are copies")
        upload = self.upload(request, bucket, name)
        if request.body.length is not None and "content-length" not in request.headers:
            raise Failure(411, "required", "MissingContentLength", "You must provide the Content-Length HTTP header.")
        found = digests.Digests()
        content = request.body.into(self.store.directory, found)
        found.check(digests.in_headers(request.headers))
        self.upload(request, bucket, name)  # It may have been aborted meanwhile.
        part = upload.parts[int(number)] = Part(content, found, request.now)
        return Response(200, {"ETag": f'"{part.etag}"', "x-goog-hash": [f"crc32c={found.crc32c}", f"md5={found.md5}"]})

    def complete(self, request, caller, bucket_name, name):
        bucket = self.authorized(request, caller, bucket_name, name, "create")
        upload = self.upload(request, bucket, name)
        parts = [self.named_part(upload, number, etag) for number, etag in _wanted(request.body.read())]
        if any(part.content.length < LEAST_PART for part in parts[:-1]):
            raise invalid("Your proposed upload is smaller than the minimum allowed object size.", "EntityTooSmall")
        crc32c = digests.joined((part.crc32c, part.content.length) for part in parts)
        wanted = digests.in_headers(request.headers)
        if wanted.get("crc32c") not in (None, crc32c):
            raise digests.digest_differs("CRC32C", wanted["crc32c"], crc32c)
        item = Object(Content.joined(part.content for part in parts), crc32c, None, upload.fields, len(parts))

        def may_replace():
            self.access.require(caller, "storage.objects.delete", bucket, name)

        with self.store.lock:
            self.upload(request, bucket, name)
            self.store.publish(bucket, name, item, Conditions(), may_replace, request.now)
            del bucket.uploads[request.parameter("uploadId")]
        names = f"<Location>{escape(f'{request.base_url}/{bucket.name}/{name}')}</Location><Bucket>{bucket.name}</Bucket><Key>{escape(name)}</Key>"
        response = xml(f"<CompleteMultipartUploadResult xmlns='{NAMESPACE}'>{names}<ETag>&quot;{item.etag}&quot;</ETag></CompleteMultipartUploadResult>")
        response.headers |= {"x-goog-generation": str(item.generation), "x-goog-hash": f"crc32c={crc32c}"}
        return response

    def named_part(self, upload, number, etag):
        part = upload.parts.get(number)
        if part is None or etag.strip('"') != part.etag:
            raise invalid(f"One or more of the specified parts could not be found or has another ETag: {number}", "InvalidPart")
        return part

    def abort(self, request, caller, bucket_name, name):
        bucket = self.authorized(request, caller, bucket_name, name, "abort")
        with self.store.lock:
            self.upload(request, bucket, name)
            del bucket.uploads[request.parameter("uploadId")]
        return Response(204)

    def list_parts(self, request, caller, bucket_name, name):
        bucket = self.authorized(request, caller, bucket_name, name, "listParts")
        upload = self.upload(request, bucket, name)
        limit, after = _number(request, "max-parts", 1000), _number(request, "part-number-marker", 0)
        numbers = [number for number in sorted(upload.parts) if number > after]
        shown = numbers[: min(limit, 1000)]
        lines = [f"<Bucket>{bucket.name}</Bucket><Key>{escape(name)}</Key><UploadId>{request.parameter('uploadId')}</UploadId>"]
        lines.append(f"<PartNumberMarker>{after}</PartNumberMarker><NextPartNumberMarker>{shown[-1] if shown else 0}</NextPartNumberMarker>")
        lines.append(f"<MaxParts>{limit}</MaxParts><IsTruncated>{'true' if len(shown) < len(numbers) else 'false'}</IsTruncated>")
        for number in shown:
            part = upload.parts[number]
            lines.append(
                f"<Part><PartNumber>{number}</PartNumber><LastModified>{rfc3339(part.written)}</LastModified>"
                f"<ETag>&quot;{part.etag}&quot;</ETag><Size>{part.content.length}</Size></Part>"
            )
        return xml(f"<ListPartsResult xmlns='{NAMESPACE}'>{''.join(lines)}</ListPartsResult>")

    def list_uploads(self, request, caller, bucket_name):
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, "storage.multipartUploads.list", bucket)
        prefix, limit = request.parameter("prefix", ""), _number(request, "max-uploads", 1000)
        after = (request.parameter("key-marker", "").encode(), request.parameter("upload-id-marker", "\U0010ffff"))
        with self.store.lock:
            found = sorted((upload.name.encode(), identifier) for identifier, upload in bucket.uploads.items() if upload.name.startswith(prefix))
        found = [entry for entry in found if entry > after] if request.has("key-marker") else found
        shown = found[: min(limit, 1000)]
        lines = [f"<Bucket>{bucket.name}</Bucket><Prefix>{escape(prefix)}</Prefix>"]
        lines.append(f"<IsTruncated>{'true' if len(shown) < len(found) else 'false'}</IsTruncated>")
        if len(shown) < len(found):
            name, identifier = shown[-1]
            lines.append(f"<NextKeyMarker>{escape(name.decode())}</NextKeyMarker><NextUploadIdMarker>{identifier}</NextUploadIdMarker>")
        for name, identifier in shown:
            began = bucket.uploads[identifier].began if identifier in bucket.uploads else request.now
            lines.append(f"<Upload><Key>{escape(name.decode())}</Key><UploadId>{identifier}</UploadId><Initiated>{rfc3339(began)}</Initiated></Upload>")
        return xml(f"<ListMultipartUploadsResult xmlns='{NAMESPACE}'>{''.join(lines)}</ListMultipartUploadsResult>")

    def authorized(self, request, caller, bucket_name, name, verb):
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, f"storage.multipartUploads.{verb}", bucket, name)
        if verb == "create":
            self.access.require(caller, "storage.objects.create", bucket, name)
        if any(header.startswith("x-goog-if-") or header in ("if-match", "if-none-match") for header in request.headers):
            raise Failure(400, "notImplemented", "NotImplemented", "A header you provided implies functionality that is not implemented.")
        return bucket

    def upload(self, request, bucket, name):
        upload = bucket.uploads.get(request.parameter("uploadId"))
        if upload is None or upload.name != name:
            raise Failure(404, "notFound", "NoSuchUpload", "The requested upload was not found.")
        return upload


def _wanted(body):
    """Number and ETag of each part, in the order of the request."""
    parts = [{child.tag.rpartition("}")[2]: child.text or "" for child in part} for part in parse(body, "CompleteMultipartUpload")]
    try:
        numbers = [(int(part["PartNumber"]), part["ETag"]) for part in parts]
    except (KeyError, ValueError):
        raise invalid("A part has no number or no ETag.", "MalformedXML")
    if not numbers:
        raise invalid("There are no parts.", "InvalidPart")
    if any(one[0] >= other[0] for one, other in zip(numbers, numbers[1:])):
        raise invalid("The list of parts was not in ascending order.", "InvalidPartOrder")
    return numbers


def _number(request, name, default):
    text = request.parameter(name, str(default))
    if not re.fullmatch("[0-9]{1,9}", text):
        raise invalid(f"{name} is not a number")
    return int(text)
