"""The XML API's methods for objects, and its listings."""

import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote
from xml.sax.saxutils import escape

from web.messages import Response, from_field

from . import digests, downloads
from .errors import Failure, invalid, no_object, unsupported
from .json_methods import make_public
from .json_objects import token_of, untoken
from .resources import json_response, object_headers
from .store import Conditions, Object, check_name
from .tokens import rfc3339
from .uploads import Session

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
ACLS = ("private", "public-read", "project-private", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control")
FIELDS = (
    ("content-encoding", "contentEncoding"), ("content-language", "contentLanguage"), ("content-disposition", "contentDisposition"),
    ("cache-control", "cacheControl"), ("x-goog-storage-class", "storageClass"), ("x-goog-custom-time", "customTime"),
)


class XMLObjects:
    def __init__(self, store, access, uploads):
        self.store = store
        self.access = access
        self.uploads = uploads

    def get(self, request, caller, bucket_name, name):
        bucket = self.store.bucket(bucket_name)
        item = self.found(request, caller, bucket, name, "storage.objects.get")
        response = downloads.download(request, bucket, item, self.access)
        if response.status in (200, 206):
            _split_hashes(response)
        return response

    def found(self, request, caller, bucket, name, permission):
        item = bucket.objects.get(name)
        self.access.require(caller, permission, bucket, name, item)
        if item is None or request.parameter("generation") not in (None, str(item.generation)):
            if not self.access.has(caller, "storage.objects.list", bucket):
                raise self.access.refusal(caller, "storage.objects.list", "object")
            raise no_object(bucket.name, name)
        return item

    def put(self, request, caller, bucket_name, name):
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, "storage.objects.create", bucket, name)
        check_name(name)
        if "x-goog-copy-source" in request.headers:
            return self.copy(request, caller, bucket, name)
        if request.body.length is None or "content-length" in request.headers:
            conditions, wanted = Conditions.of_headers(request), digests.in_headers(request.headers)
            # Before the body is read, and again when the object is published.
            conditions.check(bucket.objects.get(name))
            found = digests.Digests()
            content = request.body.into(self.store.directory, found)
            found.check(wanted)
            item = Object(content, found.crc32c, found.md5, fields_of(request))
            item.public = self.public(request, bucket)
            self.store.publish(bucket, name, item, conditions, self.may_replace(caller, bucket, name), request.now)
            return shown(request, item)
        raise Failure(411, "required", "MissingContentLength", "You must provide the Content-Length HTTP header.")

    def copy(self, request, caller, bucket, name):
        """Of the metadata what x-goog-metadata-directive says."""
        source_bucket, _, source_name = unquote(request.headers["x-goog-copy-source"].removeprefix("/")).partition("/")
        source = self.store.bucket(source_bucket)
        item = source.objects.get(source_name)
        self.access.require(caller, "storage.objects.get", source, source_name, item)
        generation = request.headers.get("x-goog-copy-source-generation")
        if item is None or generation not in (None, str(item.generation)):
            raise no_object(source_bucket, source_name)
        Conditions.of_headers(request, "x-goog-copy-source-").check(item)
        if request.body.read():
            raise invalid("A copy has no body.")
        directive = request.headers.get("x-goog-metadata-directive", "COPY")
        if directive not in ("COPY", "REPLACE"):
            raise invalid("x-goog-metadata-directive is neither COPY nor REPLACE")
        if directive == "COPY" and (source is bucket and source_name == name):
            raise invalid("This copy request is illegal: it is of an object to itself and changes nothing.")
        fields = fields_of(request) if directive == "REPLACE" else item.copied_fields() | storage_class(request)
        made = Object(item.content, item.crc32c, item.md5, fields, item.components)
        made.public = self.public(request, bucket)
        self.store.publish(bucket, name, made, Conditions.of_headers(request), self.may_replace(caller, bucket, name), request.now)
        inner = f"<ETag>&quot;{made.etag}&quot;</ETag><LastModified>{rfc3339(made.updated)}</LastModified>"
        response = xml(f"<CopyObjectResult>{inner}</CopyObjectResult>")
        response.headers |= {"x-goog-generation": str(made.generation), "x-goog-metageneration": "1"}
        return response

    def delete(self, request, caller, bucket_name, name):
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, "storage.objects.delete", bucket, name)
        self.found(request, caller, bucket, name, "storage.objects.delete")
        if not self.store.remove(bucket, name, Conditions.of_headers(request)):
            raise no_object(bucket_name, name)
        return Response(204)

    def delete_many(self, request, caller, bucket_name):
        """Up to 1,000 objects; what is not there counts as deleted."""
        bucket = self.store.bucket(bucket_name)
        digests.check_body(body := request.body.read(1 << 22), request.headers)
        root = parse(body, "Delete")
        wanted = [{child.tag.rpartition("}")[2]: child.text or "" for child in entry} for entry in root if entry.tag.rpartition("}")[2] == "Object"]
        if not 0 < len(wanted) <= 1000 or any(not entry.get("Key") for entry in wanted):
            raise invalid("The list of objects is empty, too long, or has one without a key.", "MalformedXML")
        quiet = any(child.tag.rpartition("}")[2] == "Quiet" and (child.text or "").strip().lower() == "true" for child in root)
        lines = []
        for entry in wanted:
            name = f"<Key>{escape(entry['Key'])}</Key>"
            try:
                self.access.require(caller, "storage.objects.delete", bucket, entry["Key"])
                self.store.remove(bucket, entry["Key"], Conditions(entry.get("VersionId")))
                if not quiet:
                    lines.append(f"<Deleted>{name}</Deleted>")
            except Failure as error:
                lines.append(f"<Error>{name}<Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>")
        return xml(f"<DeleteResult xmlns='{NAMESPACE}'>{''.join(lines)}</DeleteResult>")

    def begin_resumable(self, request, caller, bucket_name, name):
        """Also for somebody with a signed URL, who then needs no other."""
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, "storage.objects.create", bucket, name)
        check_name(name)
        if request.body.read():
            raise invalid("The request that begins a resumable upload has no body.")
        conditions = Conditions.of_headers(request)
        conditions.check(bucket.objects.get(name))
        wanted, public = digests.in_headers(request.headers), self.public(request, bucket)
        identifier = self.uploads.begin(
            Session(bucket, name, fields_of(request), wanted, conditions, self.may_replace(caller, bucket, name), None, public, shown, request.now)
        )
        headers = {"Location": f"{request.base_url}{request.raw_path}?upload_id={identifier}", "X-GUploader-UploadID": identifier}
        return Response(201, headers)

    def may_replace(self, caller, bucket, name):
        return lambda: self.access.require(caller, "storage.objects.delete", bucket, name)

    def public(self, request, bucket):
        wanted = request.headers.get("x-goog-acl")
        if wanted is None:
            return False
        if wanted not in ACLS:
            raise invalid(f"Invalid canned ACL: {wanted}")
        return make_public(bucket, wanted == "public-read")

    def list(self, request, caller, bucket_name):
        """Version 2 with list-type=2, else version 1."""
        bucket = self.store.bucket(bucket_name)
        self.access.require(caller, "storage.objects.list", bucket)
        second = request.parameter("list-type") == "2"
        limit = request.parameter("max-keys", "1000")
        if not re.fullmatch("[0-9]{1,9}", limit):
            raise invalid("max-keys is not a number")
        if request.parameter("encoding-type") is not None:
            raise unsupported("encoding-type")
        prefix, delimiter = request.parameter("prefix", ""), request.parameter("delimiter", "")
        after = request.parameter("start-after" if second else "marker", "")
        if request.parameter("continuation-token"):
            after = untoken(request.parameter("continuation-token"))
        items, prefixes, token = self.store.page(bucket, prefix, delimiter, after, "", "", min(int(limit), 1000)) if int(limit) else ([], [], None)
        lines = [f"<Name>{escape(bucket.name)}</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>{'true' if token else 'false'}</IsTruncated>"]
        if token and second:
            lines.append(f"<NextContinuationToken>{token_of(token)}</NextContinuationToken>")
        elif token:
            lines.append(f"<NextMarker>{escape(token)}</NextMarker>")
        if second:
            lines.append(f"<KeyCount>{len(items) + len(prefixes)}</KeyCount>")
        for item in items:
            lines.append(
                f"<Contents><Key>{escape(item.name)}</Key><Generation>{item.generation}</Generation><MetaGeneration>{item.metageneration}</MetaGeneration>"
                f"<LastModified>{rfc3339(item.updated)}</LastModified><ETag>&quot;{item.etag}&quot;</ETag><Size>{item.content.length}</Size></Contents>"
            )
        lines += [f"<CommonPrefixes><Prefix>{escape(common)}</Prefix></CommonPrefixes>" for common in prefixes]
        return xml(f"<ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>{''.join(lines)}</ListBucketResult>")


def shown(request, item):
    """The answer to an upload."""
    response = json_response({})
    response.body = b""
    headers = object_headers(item)
    names = ("x-goog-generation", "x-goog-metageneration", "x-goog-hash", "x-goog-stored-content-encoding", "x-goog-stored-content-length", "ETag")
    response.headers = {name: headers[name] for name in names} | {"Content-Type": "text/html; charset=UTF-8"}
    _split_hashes(response)
    return response


def fields_of(request):
    fields = {field: request.headers[header] for header, field in FIELDS if header in request.headers}
    fields["contentType"] = request.headers.get("content-type")
    metadata = {name.removeprefix("x-goog-meta-"): value for name, value in request.headers.items() if name.startswith("x-goog-meta-")}
    if sum(len(name) + len(value) for name, value in metadata.items()) > 8192:
        raise invalid("Your metadata headers exceed the maximum allowed metadata size.", "MetadataTooLarge")
    fields = {name: from_field(value) for name, value in fields.items() if isinstance(value, str)}
    return fields | {"metadata": {name: from_field(value) for name, value in metadata.items()} or None}


def storage_class(request):
    return {"storageClass": request.headers["x-goog-storage-class"]} if "x-goog-storage-class" in request.headers else {}


def parse(body, tag):
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        root = None
    if root is None or root.tag.rpartition("}")[2] != tag:
        raise invalid("The XML you provided was not well-formed or did not validate against our published schema.", "MalformedXML")
    return root


def xml(body):
    return Response(200, {"Content-Type": "application/xml; charset=UTF-8"}, f"<?xml version='1.0' encoding='UTF-8'?>{body}".encode())


def _split_hashes(response):
    """This API has a line for each."""
    response.headers["x-goog-hash"] = response.headers["x-goog-hash"].split(",")
