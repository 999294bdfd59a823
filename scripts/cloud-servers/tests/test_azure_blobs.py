"""Microsoft's own client against the server."""

import base64
import hashlib
import random
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import (
    BlobBlock,
    ContentSettings,
    LinearRetry,
    generate_blob_sas,
)
from azure.storage.extensions import checksums

from . import support
from .clients import MIB, azure_client, soon


class BlobTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.azure()
        cls.service = azure_client(cls.server)
        cls.container = cls.service.create_container(support.name("sdk"))

    def test_upload_and_download(self):
        for size in (0, 1, 100_000, 9 * MIB + 1):
            data = random.Random(size).randbytes(size)
            blob = self.container.get_blob_client(f"a b/ä+%#?/{size}")
            settings = ContentSettings(content_type="text/x-test", content_encoding="x", content_disposition="inline")
            blob.upload_blob(data, metadata={"Key": "value"}, content_settings=settings, validate_content=True)
            found = blob.get_blob_properties()
            self.assertEqual((found.size, found.content_settings.content_type, found.content_settings.content_encoding), (size, "text/x-test", "x"))
            self.assertEqual(blob.download_blob(validate_content=True).readall(), data)
            if size:
                self.assertEqual(blob.download_blob(offset=size // 2).readall(), data[size // 2 :])
            with self.assertRaises(ResourceExistsError):
                blob.upload_blob(data)

    def test_checksums(self):
        blob = self.container.get_blob_client("sums")
        for name, wrong, code in (("Content-MD5", "A" * 22 + "==", "Md5Mismatch"), ("x-ms-content-crc64", "AAAAAAAAAAA=", "Crc64Mismatch")):
            with self.assertRaises(HttpResponseError) as raised:
                blob.upload_blob(b"data", headers={name: wrong})
            self.assertEqual((raised.exception.status_code, raised.exception.error_code), (400, code))
            with self.assertRaises(HttpResponseError) as raised:
                blob.stage_block("AAAA", b"data", headers={name: wrong})
            self.assertEqual(raised.exception.error_code, code)
        crc64 = base64.b64encode(checksums.crc64.compute(b"data", 0).to_bytes(8, "little")).decode()
        blob.upload_blob(b"data", headers={"x-ms-content-crc64": crc64})
        with self.server.rule(path=f"{self.container.container_name}/sums", method="GET", corrupt=True):
            with self.assertRaises(Exception):
                blob.download_blob(validate_content=True).readall()

    def test_conditions(self):
        blob = self.container.get_blob_client("conditions")
        first = blob.upload_blob(b"1")["etag"]
        second = blob.upload_blob(b"2", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)["etag"]
        with self.assertRaises(ResourceModifiedError):
            blob.upload_blob(b"3", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)
        with self.assertRaises(ResourceModifiedError):
            blob.download_blob(etag=first, match_condition=MatchConditions.IfNotModified)
        with self.assertRaises(HttpResponseError) as raised:
            blob.get_blob_properties(etag=second, match_condition=MatchConditions.IfModified)
        self.assertEqual(raised.exception.status_code, 304)
        blob.set_blob_metadata({"a": "b"})
        with self.assertRaises(ResourceModifiedError):
            blob.delete_blob(etag=second, match_condition=MatchConditions.IfNotModified)
        blob.delete_blob()
        with self.assertRaises(ResourceNotFoundError):
            blob.delete_blob()

    def test_blocks(self):
        blob = self.container.get_blob_client("blocks")
        parts = [random.Random(number).randbytes(MIB) for number in range(3)]
        for number, part in enumerate(parts):
            blob.stage_block(f"{number:04}", part)
        with self.assertRaises(HttpResponseError) as raised:
            blob.stage_block("longer than that", b"x")
        self.assertEqual(raised.exception.error_code, "InvalidBlobOrBlock")
        with self.assertRaises(HttpResponseError) as raised:
            blob.commit_block_list([BlobBlock("9999")])
        self.assertEqual(raised.exception.error_code, "InvalidBlockList")
        self.assertFalse(blob.exists())
        blob.commit_block_list([BlobBlock(f"{number:04}") for number in (2, 0)])
        self.assertEqual(blob.download_blob().readall(), parts[2] + parts[0])
        committed, uncommitted = blob.get_block_list("all")
        self.assertEqual((len(committed), len(uncommitted)), (2, 0))
        # The one that was not used is gone, those that were are there.
        blob.commit_block_list([BlobBlock("0000")])
        with self.assertRaises(HttpResponseError):
            blob.commit_block_list([BlobBlock("0001")])

    def test_listing(self):
        container = self.service.create_container(support.name("list"))
        names = ["dir/a", "dir/b", "dir2", "e/f", "x\x01y", "ü<&>"]
        for name in names:
            container.upload_blob(name, b"x", metadata={"a": "b"})
        self.assertEqual([blob.name for blob in container.list_blobs(results_per_page=2)], names)
        self.assertEqual([blob.name for blob in container.list_blobs(name_starts_with="dir/")], names[:2])
        self.assertEqual([item.name for item in container.walk_blobs(results_per_page=1)], ["dir/", "dir2", "e/", "x\x01y", "ü<&>"])
        self.assertEqual(next(container.list_blobs(include=["metadata"])).metadata, {"a": "b"})
        with self.server.rule(path=container.container_name, page_size=1) as rule:
            self.assertEqual([blob.name for blob in container.list_blobs()], names)
        self.assertEqual(rule.hits, 6)
        self.assertIn(container.container_name, [found.name for found in self.service.list_containers(results_per_page=1)])
        answers = list(container.delete_blobs(*names[:2], "missing", raise_on_any_failure=False))
        self.assertEqual([answer.status_code for answer in answers], [202, 202, 404])
        container.delete_container()
        with self.assertRaises(ResourceExistsError):
            container.create_container()

    def test_copies(self):
        data = random.Random(7).randbytes(3 * MIB)
        source = self.container.get_blob_client("source ä")
        properties = source.upload_blob(data, content_settings=ContentSettings(content_type="a/b"), metadata={"a": "b"})
        url = f"{source.url}?{self.sas(source.blob_name)}"
        target = self.container.get_blob_client("target")
        target.stage_block_from_url("0001", url, source_offset=MIB, source_length=MIB)
        target.stage_block_from_url("0002", url, source_offset=0, source_length=MIB, source_content_md5=hashlib.md5(data[:MIB]).digest())
        target.commit_block_list([BlobBlock("0001"), BlobBlock("0002")])
        self.assertEqual(target.download_blob().readall(), data[MIB : 2 * MIB] + data[:MIB])
        for changes, status, code in (
            ({"source_url": source.url}, 404, "CannotVerifyCopySource"),
            ({"source_url": url.replace("source", "missing")}, 403, "CannotVerifyCopySource"),
            ({"source_content_md5": b"x" * 16}, 400, "Md5Mismatch"),
            ({"headers": {"x-ms-source-if-match": '"0x1"'}}, 412, "SourceConditionNotMet"),
            ({"source_offset": 3 * MIB, "source_length": 10}, 416, "CannotVerifyCopySource"),
            ({"source_url": "https://storage.example/a"}, 400, "CannotVerifyCopySource"),
            ({"source_url": url + "&x=" + "x" * 2048}, 400, "InvalidHeaderValue"),
        ):
            with self.subTest(code), self.assertRaises(HttpResponseError) as raised:
                target.stage_block_from_url("0003", **{"source_url": url, "source_offset": 0, "source_length": MIB} | changes)
            self.assertEqual((raised.exception.status_code, raised.exception.error_code), (status, code))
        target.stage_block_from_url("0003", url, source_offset=0, source_length=MIB, headers={"x-ms-source-if-match": properties["etag"]})
        whole = self.container.get_blob_client("whole")
        whole.upload_blob_from_url(url)
        found = whole.get_blob_properties()
        self.assertEqual((found.content_settings.content_type, found.metadata, found.size), ("a/b", {"a": "b"}, 3 * MIB))
        with self.assertRaises(ResourceExistsError):
            whole.upload_blob_from_url(url)
        copied = self.container.get_blob_client("copied")
        self.assertEqual(copied.start_copy_from_url(source.url)["copy_status"], "success")
        self.assertEqual(copied.download_blob().readall(), data)
        self.assertEqual(copied.start_copy_from_url(url, requires_sync=True)["copy_status"], "success")

    def sas(self, name):
        account, key = support.azure_key()
        return generate_blob_sas(account, self.container.container_name, name, account_key=key, permission="r", expiry=soon())


class FaultTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.azure()
        patient = azure_client(cls.server, retry_policy=LinearRetry(backoff=0, retry_total=3, random_jitter_range=0))
        cls.container = patient.create_container(support.name("faults"))
        cls.container.upload_blob("blob", b"0123456789" * 100)
        cls.path = f"/{cls.container.container_name}/blob"

    def test_the_client_survives(self):
        with self.server.rule(path=self.path, count=2, status=503, retry_after=0) as rule:
            self.assertEqual(len(self.container.download_blob("blob").readall()), 1000)
        self.assertEqual(rule.hits, 2)
        with self.server.rule(path=self.path, count=1, drop_answer=True) as rule:
            self.assertEqual(len(self.container.download_blob("blob").readall()), 1000)
        self.assertEqual(rule.hits, 1)

    def test_an_answer_breaks_off(self):
        import http.client

        address = f"/{support.azure_key()[0]}{self.path}?" + generate_blob_sas(
            support.azure_key()[0], self.container.container_name, "blob", account_key=support.azure_key()[1], permission="r", expiry=soon()
        )
        with self.server.rule(path=self.path, break_after=300):
            with self.assertRaises(http.client.IncompleteRead) as raised:
                self.server.ask("GET", address)
        self.assertEqual(len(raised.exception.partial), 300)
        with self.server.rule(path=self.path, fraction=0.5, seed=1, status=500):
            first = [self.server.ask("GET", address)[0] for _ in range(20)]
        with self.server.rule(path=self.path, fraction=0.5, seed=1, status=500):
            self.assertEqual([self.server.ask("GET", address)[0] for _ in range(20)], first)
        self.assertEqual(set(first), {200, 500})
        asked = self.server.control("GET", f"requests?path={quote(self.path)}")
        self.assertGreaterEqual(len(asked), 41)
        self.assertEqual({entry["status"] for entry in asked} - {0, 201, 206, 503}, {200, 500})
