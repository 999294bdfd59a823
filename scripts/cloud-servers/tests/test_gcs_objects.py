"""Google's own client against the server, with the key file that it wrote."""

import io
import os
import random

import google.auth.identity_pool
import google.auth.transport.requests
from google.api_core import exceptions
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2 import service_account

from . import support
from .clients import MIB, google_client


class ObjectTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.gcs()
        cls.client = google_client(cls.server)
        cls.bucket = cls.client.create_bucket(support.name("sdk"), location="europe-west1")

    def test_upload_and_download(self):
        for size in (0, 1, 100_000, 3 * MIB):
            data = random.Random(size).randbytes(size)
            blob = self.bucket.blob(f"a b/ä+%/{size}")
            blob.metadata = {"digest": "ünïcode"}
            blob.content_disposition = 'attachment; filename="a"'
            blob.upload_from_string(data, content_type="text/x-test", checksum="crc32c", if_generation_match=0)
            found = self.bucket.get_blob(blob.name)
            self.assertEqual((found.size, found.content_type, found.metadata), (size, "text/x-test", {"digest": "ünïcode"}))
            self.assertEqual(found.download_as_bytes(), data)
            self.assertEqual(found.download_as_bytes(start=size // 2, checksum=None) if size else b"", data[size // 2 :])
            with self.assertRaises(exceptions.PreconditionFailed):
                blob.upload_from_string(b"other", if_generation_match=0)

    def test_a_wrong_checksum_is_refused(self):
        blob = self.bucket.blob("wrong")
        blob.md5_hash = "AAAAAAAAAAAAAAAAAAAAAA=="
        with self.assertRaises(exceptions.BadRequest):
            blob.upload_from_string(b"data")
        self.assertFalse(self.bucket.blob("wrong").exists())

    def test_a_wrong_checksum_in_the_answer_is_noticed(self):
        blob = self.bucket.blob("noticed")
        blob.upload_from_string(b"data")
        for wanted in ({"wrong_checksum": True}, {"corrupt": True}):
            with self.server.rule(path=f"{self.bucket.name}/o/noticed", **wanted) as rule:
                with self.assertRaises(DataCorruption):
                    blob.download_as_bytes(checksum="crc32c")
            self.assertEqual(rule.hits, 1)

    def test_a_resumable_upload_goes_on_where_it_broke(self):
        data = random.Random(1).randbytes(5 * MIB + 17)
        blob = self.bucket.blob("resumed", chunk_size=MIB)

        def chunk(first, **wanted):
            header = {"name": "content-range", "contains": f"{first}-"}
            return self.server.rule(path=self.bucket.name, method="PUT", header=header, **wanted)

        with (
            chunk(MIB, count=1, break_request_after=600_000) as broken,
            chunk(2 * MIB, count=1, drop_answer=True) as dropped,
            chunk(3 * MIB, count=2, status=503, retry_after=0) as failed,
        ):
            retry = DEFAULT_RETRY.with_delay(initial=0.01, maximum=0.1)
            blob.upload_from_file(io.BytesIO(data), if_generation_match=0, checksum="crc32c", retry=retry)
        self.assertEqual((broken.hits, dropped.hits, failed.hits), (1, 1, 2))
        self.assertEqual(self.bucket.blob("resumed").download_as_bytes(), data)

    def test_listing(self):
        names = ["dir/a", "dir/b", "dir2", "e/f/g", "x", "ü"]
        bucket = self.client.create_bucket(support.name("list"))
        for name in names:
            bucket.blob(name).upload_from_string(b"x")
        self.assertEqual([blob.name for blob in bucket.list_blobs(page_size=2)], names)
        self.assertEqual([blob.name for blob in bucket.list_blobs(prefix="dir/")], names[:2])
        listing = bucket.list_blobs(delimiter="/", page_size=1, fields="items(name),prefixes,nextPageToken")
        self.assertEqual([blob.name for blob in listing], ["dir2", "x", "ü"])
        self.assertEqual(listing.prefixes, {"dir/", "e/"})
        with self.assertRaises(exceptions.Conflict):
            bucket.delete()
        bucket.delete_blobs(list(bucket.list_blobs()))
        bucket.delete()
        self.assertFalse(bucket.exists())

    def test_rewrite_and_compose(self):
        data = random.Random(2).randbytes(3 * MIB)
        source = self.bucket.blob("source")
        source.upload_from_string(data, content_type="text/source")
        other = self.client.create_bucket(support.name("other"), location="us-east1")
        token, steps = None, 0
        with self.server.rule(path=f"/rewriteTo/b/{other.name}", rewrite_bytes=MIB):
            while True:
                token, rewritten, total = other.blob("copy").rewrite(source, token=token, if_generation_match=0)
                steps += 1
                if token is None:
                    break
                self.assertEqual((rewritten, total), (steps * MIB, 3 * MIB))
            with self.assertRaises(exceptions.BadRequest):
                other.blob("copy2").rewrite(source, token="of something else")
        self.assertEqual(steps, 3)
        self.assertEqual(other.blob("copy").download_as_bytes(), data)
        self.assertEqual(other.get_blob("copy").content_type, "text/source")
        # Between locations it takes several calls by itself.
        large = self.bucket.blob("large source")
        large.upload_from_string(b"x" * (65 * MIB))
        token, rewritten, _ = other.blob("large").rewrite(large)
        self.assertEqual(rewritten, 64 * MIB)
        self.assertEqual(other.blob("large").rewrite(large, token=token)[0], None)
        composed = self.bucket.blob("composed")
        composed.compose([source, self.bucket.blob("source"), source])
        composed.reload()
        self.assertEqual((composed.size, composed.md5_hash, composed.component_count), (9 * MIB, None, 3))
        # The client compares the CRC32C.
        self.assertEqual(composed.download_as_bytes(checksum="crc32c"), data * 3)
        with self.assertRaises(exceptions.BadRequest):
            composed.compose([source] * 33)

    def test_conditions_and_patch(self):
        blob = self.bucket.blob("changing")
        blob.upload_from_string(b"1")
        first = blob.generation
        blob.metadata = {"a": "b"}
        blob.patch(if_metageneration_match=1)
        self.assertEqual(blob.metageneration, 2)
        blob.upload_from_string(b"2", if_generation_match=first)
        with self.assertRaises(exceptions.PreconditionFailed):
            blob.delete(if_generation_match=first)
        blob.delete(if_generation_match=blob.generation)
        with self.assertRaises(exceptions.NotFound):
            blob.delete()

    def test_batch(self):
        for number in range(3):
            self.bucket.blob(f"batch/{number}").upload_from_string(b"x")
        with self.client.batch(raise_exception=False) as batch:
            for number in range(4):
                self.bucket.blob(f"batch/{number}").delete()
        self.assertEqual([response.status_code for response in batch._responses], [204, 204, 204, 404])

    def test_large_uploads_in_one_request(self):
        data = random.Random(3).randbytes(9 * MIB)
        self.bucket.blob("large").upload_from_file(io.BytesIO(data), size=len(data))
        self.assertEqual(self.bucket.blob("large").download_as_bytes(), data)


class BucketTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.gcs()
        cls.client = google_client(cls.server)

    def test_settings(self):
        bucket = self.client.bucket(support.name("settings"))
        bucket.iam_configuration.uniform_bucket_level_access_enabled = True
        bucket.iam_configuration.public_access_prevention = "enforced"
        self.client.create_bucket(bucket, location="eu")
        bucket.add_lifecycle_delete_rule(age=30, matches_prefix=["a/"])
        bucket.patch()
        found = self.client.get_bucket(bucket.name)
        self.assertEqual(list(found.lifecycle_rules), [{"action": {"type": "Delete"}, "condition": {"age": 30, "matchesPrefix": ["a/"]}}])
        self.assertTrue(found.iam_configuration.uniform_bucket_level_access_enabled)
        self.assertEqual((found.location, found.metageneration), ("EU", 2))
        with self.assertRaises(exceptions.Conflict):
            self.client.create_bucket(bucket.name)
        policy = bucket.get_iam_policy(requested_policy_version=3)
        policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allUsers"}})
        with self.assertRaises(exceptions.PreconditionFailed):
            bucket.set_iam_policy(policy)

    def test_public_objects(self):
        bucket = self.client.create_bucket(support.name("public"))
        bucket.blob("a").upload_from_string(b"for all")
        path = f"/{bucket.name}/a"
        self.assertEqual(self.server.ask("GET", path)[0], 403)
        self.assertEqual(self.server.ask("GET", f"/storage/v1/b/{bucket.name}/o/a?alt=media")[0], 401)
        stale = bucket.get_iam_policy(requested_policy_version=3)
        policy = bucket.get_iam_policy(requested_policy_version=3)
        policy.bindings.append({"role": "roles/storage.legacyObjectReader", "members": {"allUsers"}})
        bucket.set_iam_policy(policy)
        with self.assertRaises(exceptions.PreconditionFailed):
            bucket.set_iam_policy(stale)
        status, headers, body = self.server.ask("GET", path)
        self.assertEqual((status, body, headers["cache-control"]), (200, b"for all", "public, max-age=3600"))
        # Without a role that lists, nobody learns what is not there.
        self.assertEqual(self.server.ask("GET", path + "x")[0], 403)
        self.assertEqual(self.server.ask("PUT", path, b"mine")[0], 403)
        bucket.iam_configuration.public_access_prevention = "enforced"
        bucket.patch()
        self.assertEqual(self.server.ask("GET", path)[0], 403)

    def test_roles_and_scopes(self):
        bucket = self.client.create_bucket(support.name("roles"))
        made = self.server.control("POST", "service-accounts", {"roles": ["roles/storage.objectCreator"]})
        writer = google_client(self.server, service_account.Credentials.from_service_account_info(made["key_file"])).bucket(bucket.name)
        writer.blob("a").upload_from_string(b"1")
        for refused in (lambda: writer.blob("a").upload_from_string(b"2"), lambda: writer.blob("a").download_as_bytes(), writer.reload):
            with self.assertRaises(exceptions.Forbidden):
                refused()
        credentials = service_account.Credentials.from_service_account_file(os.path.join(self.server.directory, "service-account.json"))
        self.assertEqual(self.scoped(credentials, "read_only", "GET", f"/storage/v1/b/{bucket.name}/o"), 200)
        self.assertEqual(self.scoped(credentials, "read_only", "DELETE", f"/storage/v1/b/{bucket.name}/o/a"), 403)
        self.assertEqual(self.scoped(credentials, "read_write", "PUT", f"/storage/v1/b/{bucket.name}/iam"), 403)
        self.assertEqual(self.scoped(credentials, "read_write", "DELETE", f"/storage/v1/b/{bucket.name}/o/a"), 204)

    def scoped(self, credentials, scope, method, path):
        credentials = credentials.with_scopes([f"https://www.googleapis.com/auth/devstorage.{scope}"])
        credentials.refresh(google.auth.transport.requests.Request())
        return self.server.ask(method, path, b"{}" if method == "PUT" else None, {"Authorization": f"Bearer {credentials.token}"})[0]


