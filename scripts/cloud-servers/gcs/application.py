"""Which request goes where, and what tests may set."""

import json
from urllib.parse import unquote

from . import batch
from .access import Access
from .errors import Failure, general
from .identity import AMAZON_PROVIDER, ANONYMOUS, POOL, PROJECT, PROVIDER, Identities
from .json_buckets import JSONBuckets
from .json_copies import JSONCopies
from .json_objects import JSONObjects
from .json_uploads import JSONUploads
from .signatures import caller_of
from .store import Store
from .tokens import Tokens
from .uploads import Uploads
from .xml_objects import XMLObjects
from .xml_uploads import XMLUploads

WRONG = ("AAAAAA==", "AAAAAAAAAAAAAAAAAAAAAA==")


class Application:
    """Beside the rules of web.faults it knows, in a rule:
        token_seconds   how long a token lives that such a request gets
        rewrite_bytes   how much a call of rewriteTo does
    and POST to
        /_control/service-accounts   {"roles": [on the project], "signs": false, "signers": [members], "token_seconds": n} makes one, and answers its
                                     {"email", "key_file", "hmac": {"access_key", "secret_key"}, "authorized_user"}
        /_control/subject-token      {"subject", "audience", "seconds"} is a token of the identity provider that the workload identity pool trusts:
                                     {"subject_token", "audience", "member"}
        /_control/aws-role           {"role": name} makes a role of AWS that the pool trusts, with keys: {"access_key", "secret_key", "session_token",
                                     "audience", "member"}
        /_control/revoke             {"email"} ends all tokens of an account
    """

    def __init__(self, directory, hmac_access, hmac_secret):
        self.identities = Identities(hmac_access, hmac_secret)
        self.store = Store(directory)
        self.access = Access(self.identities)
        self.tokens = Tokens(self.identities)
        self.uploads = Uploads(self.store)
        self.buckets = JSONBuckets(self.store, self.access)
        self.objects = JSONObjects(self.store, self.access)
        self.copies = JSONCopies(self.store, self.access)
        self.json_uploads = JSONUploads(self.store, self.access, self.uploads)
        self.xml_objects = XMLObjects(self.store, self.access, self.uploads)
        self.xml_uploads = XMLUploads(self.store, self.access)
        self.directory = directory
        self.url = None

    def started(self, url, _):
        """Writes the key file of the service account that may do everything in the project."""
        self.url = url
        with open(f"{self.directory}/service-account.json", "w") as file:
            json.dump(self.identities.main.key_file(f"{url}/token"), file)

    def control(self, request, segments, wanted):
        match (request.method, *segments):
            case ("POST", "service-accounts"):
                account, hmac_key, user = self.identities.add(wanted)
                return {"email": account.email, "key_file": account.key_file(f"{self.url}/token"), "hmac": hmac_key, "authorized_user": user}
            case ("POST", "subject-token"):
                subject = wanted.get("subject", "tester")
                token = self.tokens.provider_token(wanted, request.now)
                return {"subject_token": token, "audience": PROVIDER, "member": f"principal://iam.googleapis.com/{POOL}/subject/{subject}"}
            case ("POST", "aws-role"):
                made = self.tokens.amazon.add(wanted)
                return made | {"audience": AMAZON_PROVIDER, "member": f"principal://iam.googleapis.com/{POOL}/subject/{made['arn']}"}
            case ("POST", "revoke"):
                self.identities.revoke(f"serviceAccount:{wanted['email']}")
                return {}
            case ("GET", "project"):
                return {"project": PROJECT, "pool": POOL}
        return None

    def is_json(self, request):
        return request.raw_path.startswith(("/storage/v1/", "/upload/storage/v1/", "/download/storage/v1/", "/v1/", "/batch/"))

    def failure(self, request, status, code):
        error = general(status, code)
        if request.raw_path in ("/token", "/v1/token"):
            return error.as_oauth()
        return error.as_json() if self.is_json(request) else error.as_xml()

    def spoil(self, response):
        """Makes the checksums in an answer those of something else."""
        hashes = response.headers.get("x-goog-hash")
        if hashes is not None:
            parts = hashes if isinstance(hashes, list) else hashes.split(",")
            wrong = [f"crc32c={WRONG[0]}" if part.startswith("crc32c") else f"md5={WRONG[1]}" for part in parts]
            response.headers["x-goog-hash"] = wrong if isinstance(hashes, list) else ",".join(wrong)
        if response.headers.get("Content-Type", "").startswith("application/json") and isinstance(response.body, bytes) and response.body:
            value = json.loads(response.body)
            for resource in (value, value.get("resource", {})):
                for name, wrong in zip(("crc32c", "md5Hash"), WRONG):
                    if name in resource:
                        resource[name] = wrong
            response.body = json.dumps(value).encode()

    def respond(self, request):
        try:
            return self.routed(request)
        except Failure as error:
            if error.status == 304:
                return error.as_text()
            if self.is_json(request):
                return error.as_json()
            # Nobody in particular is refused by this API with another status.
            if error.reason == "required" and error.code == "AccessDenied":
                error.status = 403
            return error.as_xml()

    def routed(self, request):
        path = request.raw_path
        if path == "/token":
            return self.tokens.token(request)
        if path == "/v1/token":
            return self.tokens.exchange(request)
        if path.startswith("/computeMetadata/v1/") and request.method == "GET":
            return self.tokens.metadata(request, unquote(path.removeprefix("/computeMetadata/v1/")))
        if path == "/":
            return self.tokens.metadata(request, "") if "metadata-flavor" in request.headers else self.xml(request, "", "")
        if path.startswith("/v1/projects/-/serviceAccounts/"):
            account, _, method = unquote(path.removeprefix("/v1/projects/-/serviceAccounts/")).rpartition(":")
            return self.tokens.iam(request, self.caller(request, signatures=False), account, method)
        if path.rstrip("/") in ("/batch/storage/v1", "/batch"):
            return batch.answer(request, self.respond)
        if self.is_json(request):
            return self.json(request)
        bucket, _, name = path[1:].partition("/")
        return self.xml(request, unquote(bucket), unquote(name))

    def caller(self, request, signatures=True):
        """Signatures are for the XML API alone."""
        if not signatures and "authorization" not in request.headers:
            return ANONYMOUS
        caller = caller_of(request, self.identities)
        if not signatures and not request.headers.get("authorization", "").lower().startswith("bearer "):
            raise general(401)
        return caller

    def json(self, request):
        upload = request.raw_path.startswith("/upload/")
        if upload and request.has("upload_id"):
            return self.uploads.answer(request)
        caller = self.caller(request, signatures=False)
        objects, buckets = self.objects, self.buckets
        segments = request.segments()
        if segments[0] in ("upload", "download"):
            segments = segments[1:]
        match (request.method, *segments[2:]):
            case ("POST", "b", bucket, "o") if upload:
                return self.json_uploads.insert(request, caller, bucket)
            case _ if upload:
                raise general(404)
            case ("GET", "b"):
                return buckets.list(request, caller)
            case ("POST", "b"):
                return buckets.insert(request, caller)
            case ("GET", "b", bucket):
                return buckets.get(request, caller, bucket)
            case ("PATCH", "b", bucket):
                return buckets.patch(request, caller, bucket)
            case ("DELETE", "b", bucket):
                return buckets.delete(request, caller, bucket)
            case ("GET", "b", bucket, "iam"):
                return buckets.get_policy(request, caller, bucket)
            case ("PUT", "b", bucket, "iam"):
                return buckets.set_policy(request, caller, bucket)
            case ("GET", "b", bucket, "iam", "testPermissions"):
                return buckets.test_permissions(request, caller, bucket)
            case ("GET", "b", bucket, "o"):
                return objects.list(request, caller, bucket)
            case ("GET", "b", bucket, "o", name):
                return objects.get(request, caller, bucket, name)
            case ("PATCH", "b", bucket, "o", name):
                return objects.patch(request, caller, bucket, name)
            case ("PUT", "b", bucket, "o", name):
                return objects.patch(request, caller, bucket, name, replace=True)
            case ("DELETE", "b", bucket, "o", name):
                return objects.delete(request, caller, bucket, name)
            case ("POST", "b", bucket, "o", name, "compose"):
                return self.copies.compose(request, caller, bucket, name)
            case ("POST", "b", from_bucket, "o", from_name, "rewriteTo", "b", bucket, "o", name):
                return self.copies.rewrite(request, caller, from_bucket, from_name, bucket, name)
            case ("POST", "b", from_bucket, "o", from_name, "copyTo", "b", bucket, "o", name):
                return self.copies.copy(request, caller, from_bucket, from_name, bucket, name)
        raise general(404)

    def xml(self, request, bucket, name):
        objects, uploads = self.xml_objects, self.xml_uploads
        if request.has("upload_id"):
            return self.uploads.answer(request)
        caller = self.caller(request)
        part, begins, upload = request.has("partNumber"), request.has("uploads"), request.has("uploadId")
        match request.method:
            case "GET" if not name and begins:
                return uploads.list_uploads(request, caller, bucket)
            case "GET" | "HEAD" if not name:
                return objects.list(request, caller, bucket)
            case "GET" if upload:
                return uploads.list_parts(request, caller, bucket, name)
            case "GET" | "HEAD":
                return objects.get(request, caller, bucket, name)
            case "POST" if not name and request.has("delete"):
                return objects.delete_many(request, caller, bucket)
            case "PUT" if name and part:
                return uploads.write(request, caller, bucket, name)
            case "PUT" if name:
                return objects.put(request, caller, bucket, name)
            case "POST" if name and begins:
                return uploads.begin(request, caller, bucket, name)
            case "POST" if name and upload:
                return uploads.complete(request, caller, bucket, name)
            case "POST" if name and request.headers.get("x-goog-resumable") == "start":
                return objects.begin_resumable(request, caller, bucket, name)
            case "DELETE" if name and upload:
                return uploads.abort(request, caller, bucket, name)
            case "DELETE" if name:
                return objects.delete(request, caller, bucket, name)
        raise Failure(405, "methodNotAllowed", "MethodNotAllowed", "The specified method is not allowed against this resource.")
