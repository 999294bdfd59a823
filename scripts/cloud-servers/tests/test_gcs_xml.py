"""Signed URLs of Google's own client, and the XML API."""

import base64
import hashlib
import hmac
import json
import os
import random
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import google_crc32c
from google.oauth2 import service_account

from . import support
from .clients import MIB, google_client


def code(body):
    found = re.search(rb"<Code>(\w+)</Code>", body)
    return found.group(1).decode() if found else None


class SignedURLTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.gcs()
        cls.client = google_client(cls.server)
        cls.bucket = cls.client.create_bucket(support.name("signed"))
        cls.bucket.blob("a b/ä").upload_from_string(b"content", content_type="text/plain")

    def url(self, blob="a b/ä", **wanted):
        wanted = {"version": "v4", "expiration": timedelta(minutes=5), "api_access_endpoint": self.server.url} | wanted
        return self.bucket.blob(blob).generate_signed_url(**wanted)

    def test_what_is_right(self):
        status, headers, body = self.server.ask("GET", self.url())
        self.assertEqual((status, body, headers["content-type"]), (200, b"content", "text/plain"))
        self.assertEqual(self.server.ask("HEAD", self.url(method="HEAD"))[0], 200)
        status, headers, _ = self.server.ask("GET", self.url(response_disposition="inline", response_type="a/b"))
        self.assertEqual((headers["content-disposition"], headers["content-type"]), ("inline", "a/b"))
        wanted = {"Content-Type": "x/y", "x-goog-meta-a": "b  c"}
        self.assertEqual(self.server.ask("PUT", self.url("put", method="PUT", headers=wanted), b"put", wanted)[0], 200)
        self.assertEqual(self.bucket.get_blob("put").metadata, {"a": "b  c"})
        self.assertEqual(self.server.ask("DELETE", self.url("put", method="DELETE"))[0], 204)

    def test_random_names(self):
        draw = random.Random(4)
        for _ in range(30):
            name = "".join(draw.choice("ab/ +%&=?~'()*!@:;,#äß€😀\\\"<>") for _ in range(draw.randint(1, 30))).strip(".") or "x"
            self.bucket.blob(name).upload_from_string(name.encode())
            status, _, body = self.server.ask("GET", self.url(name, query_parameters={"a b": name}))
            self.assertEqual((status, body), (200, name.encode()), name)

    def test_what_is_wrong(self):
        url = self.url()
        last = url[-1]
        other = service_account.Credentials.from_service_account_info(self.server.control("POST", "service-accounts", {})["key_file"])
        stolen = other._make_copy()
        stolen._service_account_email = self.client._credentials.service_account_email
        cases = {
            "another method": ("HEAD", url, None, 403, None),
            "writing": ("PUT", url, b"x", 403, "SignatureDoesNotMatch"),
            "another signature": ("GET", url[:-1] + ("0" if last != "0" else "1"), None, 403, "SignatureDoesNotMatch"),
            "another object": ("GET", url.replace("/a%20b/", "/a%20c/"), None, 403, "SignatureDoesNotMatch"),
            "more parameters": ("GET", url + "&generation=1", None, 403, "SignatureDoesNotMatch"),
            "longer": ("GET", url.replace("X-Goog-Expires=300", "X-Goog-Expires=301"), None, 403, "SignatureDoesNotMatch"),
            "no signature": ("GET", re.sub("&x-goog-signature=[0-9a-f]+", "", url, flags=re.IGNORECASE), None, 400, "MalformedSecurityHeader"),
            "over": ("GET", self.url(expiration=1), None, 400, "ExpiredToken"),
            "another key": ("GET", self.url(credentials=stolen), None, 403, "SignatureDoesNotMatch"),
        }
        for case, (method, wrong, body, status, expected) in cases.items():
            with self.subTest(case), self.server.rule(path=self.bucket.name, clock_offset=2 if case == "over" else 0):
                answer = self.server.ask(method, wrong, body)
                self.assertEqual((answer[0], code(answer[2])), (status, expected))
        with self.server.rule(path=self.bucket.name, clock_offset=-3600):
            self.assertEqual(self.server.ask("GET", url)[0], 403)
        with self.assertRaises(ValueError):
            self.url(expiration=timedelta(days=8))
        self.assertEqual(self.server.ask("GET", url, headers={"x-goog-unsigned": "1"})[0], 400)

    def test_the_signer_must_have_the_role(self):
        made = self.server.control("POST", "service-accounts", {"roles": []})
        signer = service_account.Credentials.from_service_account_info(made["key_file"])
        self.assertEqual(self.server.ask("GET", self.url(credentials=signer))[0], 403)

    def test_a_resumable_upload_by_a_signed_url(self):
        wanted = {"x-goog-resumable": "start", "content-type": "a/b"}
        status, headers, _ = self.server.ask("POST", self.url("resumed", method="RESUMABLE", content_type="a/b"), b"", wanted)
        self.assertEqual(status, 201)
        self.assertEqual(self.server.ask("PUT", headers["location"], b"whole")[0], 200)
        self.assertEqual(self.bucket.get_blob("resumed").content_type, "a/b")


class HMACTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.gcs()
        cls.bucket = google_client(cls.server).create_bucket(support.name("hmac"))

    def ask(self, method, name, body=b"", headers=None, secret=None, now=None, sent=None):
        access, right = support.hmac_key()
        date = (now or datetime.now(timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": self.server.url.removeprefix("http://"), "x-goog-date": date, "x-goog-content-sha256": digest, **(headers or {})}
        names = sorted(headers)
        path = f"/{self.bucket.name}/{quote(name)}"
        canonical = "\n".join([method, path, "", *(f"{key}:{headers[key]}" for key in names), "", ";".join(names), digest])
        scope = f"{date[:8]}/auto/storage/goog4_request"
        to_sign = "\n".join(["GOOG4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("GOOG4" + (secret or right)).encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        headers["Authorization"] = f"GOOG4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
        return self.server.ask(method, path, sent if sent is not None else body, headers)

    def test_keys(self):
        status, headers, _ = self.ask("PUT", "a b", b"data", {"content-type": "a/b"})
        self.assertEqual((status, headers["etag"]), (200, f'"{hashlib.md5(b"data").hexdigest()}"'))
        self.assertEqual(self.ask("GET", "a b")[2], b"data")
        self.assertEqual(self.ask("GET", "a b", secret="wrong")[0], 403)
        self.assertEqual(self.ask("PUT", "a b", b"data", sent=b"dato")[0], 400)
        status, _, body = self.ask("GET", "a b", now=datetime.now(timezone.utc) - timedelta(minutes=16))
        self.assertEqual((status, code(body)), (403, "RequestTimeTooSkewed"))


class XMLTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.gcs()
        cls.client = google_client(cls.server)
        cls.bucket = cls.client.create_bucket(support.name("xml"))
        with open(os.path.join(cls.server.directory, "service-account.json")) as file:
            credentials = service_account.Credentials.from_service_account_info(
                json.load(file), scopes=["https://www.googleapis.com/auth/cloud-platform"]
            )
        import google.auth.transport.requests

        credentials.refresh(google.auth.transport.requests.Request())
        cls.token = {"Authorization": f"Bearer {credentials.token}"}

    def ask(self, method, name, body=None, **headers):
        path = name if "://" in name else f"/{self.bucket.name}{name}"
        return self.server.ask(method, path, body, self.token | {key.replace("_", "-"): value for key, value in headers.items()})

    def test_objects(self):
        crc32c = base64.b64encode(google_crc32c.Checksum(b"data").digest()).decode()
        status, headers, _ = self.ask("PUT", "/a", b"data", x_goog_hash=f"crc32c={crc32c}", x_goog_if_generation_match="0", x_goog_meta_x="y")
        self.assertEqual(status, 200)
        self.assertEqual(self.ask("PUT", "/a", b"other", x_goog_if_generation_match="0")[0], 412)
        for wrong in ({"x_goog_hash": f"crc32c={crc32c}"}, {"Content_MD5": base64.b64encode(hashlib.md5(b"data").digest()).decode()}):
            status, _, body = self.ask("PUT", "/b", b"dato", **wrong)
            self.assertEqual((status, code(body)), (400, "BadDigest"))
        status, headers, body = self.ask("GET", "/a", Range="bytes=1-2")
        self.assertEqual((status, body, headers["content-range"], headers["x-goog-meta-x"]), (206, b"at", "bytes 1-2/4", "y"))
        self.assertEqual(self.ask("GET", "/a", Range="bytes=4-")[0], 416)
        self.assertEqual(self.ask("GET", "/a", If_Match='"x"')[0], 412)
        self.assertEqual(self.ask("GET", "/a", If_None_Match=headers["etag"])[0], 304)
        self.assertEqual(self.ask("HEAD", "/missing")[0], 404)
        self.assertEqual(self.ask("DELETE", "/a", x_goog_if_generation_match="1")[0], 412)
        self.assertEqual(self.ask("DELETE", "/a", x_goog_if_generation_match=headers["x-goog-generation"])[0], 204)
        self.assertEqual(code(self.ask("DELETE", "/a")[2]), "NoSuchKey")
        self.assertEqual(self.server.ask("GET", f"/{self.bucket.name}/a", headers={"Authorization": "Bearer wrong"})[0], 401)

    def test_gzip_is_decoded_for_those_who_do_not_take_it(self):
        import gzip

        stored = gzip.compress(b"text" * 1000)
        self.ask("PUT", "/zipped", stored, Content_Encoding="gzip")
        status, headers, body = self.ask("GET", "/zipped", Accept_Encoding="gzip")
        self.assertEqual((body, headers["content-encoding"]), (stored, "gzip"))
        status, headers, body = self.ask("GET", "/zipped", Accept_Encoding="identity", Range="bytes=0-3")
        self.assertEqual((status, body), (200, b"text" * 1000))
        self.assertNotIn("content-length", headers)

    def test_copy(self):
        self.ask("PUT", "/from%20x", b"data", Content_Type="a/b", x_goog_meta_x="y")
        status, _, body = self.ask("PUT", "/to", b"", x_goog_copy_source=f"{self.bucket.name}/from%20x", x_goog_if_generation_match="0")
        self.assertEqual(status, 200, body)
        self.assertEqual(self.bucket.get_blob("to").metadata, {"x": "y"})
        wanted = {"x_goog_copy_source": f"{self.bucket.name}/from%20x", "x_goog_metadata_directive": "REPLACE", "Content_Type": "c/d"}
        self.assertEqual(self.ask("PUT", "/to", b"", x_goog_if_generation_match="0", **wanted)[0], 412)
        self.assertEqual(self.ask("PUT", "/to", b"", **wanted)[0], 200)
        self.assertEqual((self.bucket.get_blob("to").metadata, self.bucket.get_blob("to").content_type), (None, "c/d"))

    def test_multipart_uploads(self):
        data = random.Random(5).randbytes(10 * MIB + 3)
        self.assertEqual(code(self.ask("POST", "/multi?uploads", b"", x_goog_if_generation_match="0")[2]), "NotImplemented")
        body = self.ask("POST", "/multi?uploads", b"", Content_Type="a/b")[2].decode()
        upload = re.search("<UploadId>(.*?)<", body).group(1)
        parts = [data[: 5 * MIB], data[5 * MIB : 10 * MIB], data[10 * MIB :]]
        etags = [self.ask("PUT", f"/multi?partNumber={number}&uploadId={upload}", part)[1]["etag"] for number, part in enumerate(parts, 1)]
        wrong = self.ask("PUT", f"/multi?partNumber=2&uploadId={upload}", b"x", x_goog_hash="crc32c=AAAAAA==")
        self.assertEqual((wrong[0], code(wrong[2])), (400, "BadDigest"))
        listed = self.ask("GET", f"/multi?uploadId={upload}&max-parts=2")[2].decode()
        self.assertEqual(re.findall(r"<PartNumber>(\d)", listed), ["1", "2"])
        self.assertIn(upload, self.ask("GET", "?uploads")[2].decode())

        def complete(entries):
            inner = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in entries)
            return self.ask("POST", f"/multi?uploadId={upload}", f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode())

        self.assertEqual(code(complete([])[2]), "InvalidPart")
        self.assertEqual(code(complete([(2, etags[1]), (1, etags[0])])[2]), "InvalidPartOrder")
        self.assertEqual(code(complete([(1, etags[1])])[2]), "InvalidPart")
        self.assertEqual(code(complete([(3, etags[2]), (4, etags[2])])[2]), "InvalidPart")
        status, _, body = complete(list(enumerate(etags, 1)))
        self.assertEqual(status, 200, body)
        self.assertEqual(code(complete(list(enumerate(etags, 1)))[2]), "NoSuchUpload")
        blob = self.bucket.get_blob("multi")
        self.assertEqual((blob.md5_hash, blob.content_type, blob.component_count), (None, "a/b", 3))
        self.assertEqual(blob.download_as_bytes(checksum="crc32c"), data)
        upload = re.search("<UploadId>(.*?)<", self.ask("POST", "/gone?uploads", b"")[2].decode()).group(1)
        self.ask("PUT", f"/gone?partNumber=1&uploadId={upload}", b"small")
        second = self.ask("PUT", f"/gone?partNumber=2&uploadId={upload}", b"small")[1]["etag"]
        inner = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{second}</ETag></Part>" for number in (1, 2))
        small = self.ask("POST", f"/gone?uploadId={upload}", f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode())
        self.assertEqual(code(small[2]), "EntityTooSmall")
        self.assertEqual(self.ask("DELETE", f"/gone?uploadId={upload}")[0], 204)
        self.assertEqual(self.ask("DELETE", f"/gone?uploadId={upload}")[0], 404)

    def test_resumable_uploads(self):
        unit = 256 << 10
        data = random.Random(6).randbytes(3 * unit + 5)
        location = self.ask("POST", "/resumable", b"", x_goog_resumable="start")[1]["location"]

        def send(body, span):
            status, headers, _ = self.server.ask("PUT", location, body, {"Content-Range": f"bytes {span}"})
            return status, headers.get("range")

        self.assertEqual(send(b"", "*/*"), (308, None))
        self.assertEqual(send(data[:100], "0-99/*"), (400, None))
        self.assertEqual(send(data[: unit + 10], f"0-{unit + 9}/*"), (308, f"bytes=0-{unit - 1}"))
        with self.server.rule(path="/resumable", no_range=True):
            self.assertEqual(send(b"", "*/*"), (308, None))
        self.assertEqual(send(data[2 * unit : 3 * unit], f"{2 * unit}-{3 * unit - 1}/*"), (503, None))
        # What is there already is not looked at.
        self.assertEqual(send(data[: 2 * unit], f"0-{2 * unit - 1}/*"), (308, f"bytes=0-{2 * unit - 1}"))
        self.assertEqual(send(b"", "*/*"), (308, f"bytes=0-{2 * unit - 1}"))
        self.assertEqual(self.ask("HEAD", "/resumable")[0], 404)
        self.assertEqual(send(data[2 * unit :], f"{2 * unit}-{3 * unit + 4}/{3 * unit + 5}"), (200, None))
        self.assertEqual(send(b"", "*/*"), (200, None))
        self.assertEqual(self.bucket.blob("resumable").download_as_bytes(checksum="md5"), data)
        location = self.ask("POST", "/cancelled", b"", x_goog_resumable="start")[1]["location"]
        self.assertEqual(self.server.ask("DELETE", location)[0], 499)
        self.assertEqual(send(b"x", "0-0/1"), (499, None))
        location = self.ask("POST", "/resumable", b"", x_goog_resumable="start")[1]["location"] + "x"
        self.assertEqual(send(b"", "*/*"), (404, None))

    def test_deleting_many(self):
        for name in ("many/a&b", "many/c"):
            self.bucket.blob(name).upload_from_string(b"x")
        keys = "".join(f"<Object><Key>many/{name}</Key></Object>" for name in ("a&amp;b", "c", "missing"))
        status, _, body = self.ask("POST", "?delete", f"<Delete>{keys}</Delete>".encode())
        self.assertEqual((status, body.count(b"<Deleted>")), (200, 3))
        status, _, body = self.ask("POST", "?delete", f"<Delete>{keys}<Quiet>true</Quiet></Delete>".encode())
        self.assertEqual((status, body.count(b"<Key>")), (200, 0))
        self.assertEqual(list(self.bucket.list_blobs(prefix="many/")), [])
        self.assertEqual(code(self.ask("POST", "?delete", b"<Delete></Delete>")[2]), "MalformedXML")
        body = self.server.ask("POST", f"/{self.bucket.name}?delete", f"<Delete>{keys}</Delete>".encode())[2]
        self.assertEqual(body.count(b"<Code>AccessDenied</Code>"), 3)

    def test_listing(self):
        bucket = self.client.create_bucket(support.name("xml-list"))
        names = ["a", "a/b", "a/c", "b&<", "ü"]
        for name in names:
            bucket.blob(name).upload_from_string(b"x")
        found, query = [], "list-type=2&max-keys=2"
        while query:
            body = self.server.ask("GET", f"/{bucket.name}?{query}", headers=self.token)[2].decode()
            found += re.findall("<Key>(.*?)</Key>", body)
            token = re.search("<NextContinuationToken>(.*?)<", body)
            query = token and f"list-type=2&max-keys=2&continuation-token={token.group(1)}"
        self.assertEqual(found, ["a", "a/b", "a/c", "b&amp;&lt;", "ü"])
        body = self.server.ask("GET", f"/{bucket.name}?list-type=2&delimiter=/&start-after=a", headers=self.token)[2].decode()
        self.assertEqual(re.findall("<Prefix>([^<]+)</Prefix>", body), ["a/"])
        self.assertEqual(re.findall("<Key>(.*?)</Key>", body), ["b&amp;&lt;", "ü"])
