"""The servers of package registries: what clients rely on, and what mirrors get wrong."""

import gzip
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import urlsplit

from . import support

JSON = "application/vnd.pypi.simple.v1+json"


class PackageServersTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp()
        command = [sys.executable, "-B", os.path.join(support.FOLDER, "package-servers.py"), os.path.join(cls.root, "data")]
        with open(os.path.join(cls.root, "log"), "w") as log:
            cls.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        words = cls.process.stdout.readline().split()[2:]
        cls.urls = {name: f"http://127.0.0.1:{port}" for name, port in (word.split("=") for word in words)}

    @classmethod
    def tearDownClass(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdout.close()
        shutil.rmtree(cls.root, ignore_errors=True)

    def ask(self, url, method="GET", body=None, **headers):
        """Status, headers by name in lower case, body. A URL begins with the name of a host, or with its scheme."""
        name, slash, path = url.partition("/")
        parts = urlsplit(url if "://" in url else self.urls[name] + slash + path)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        try:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body=body, headers=fields)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def test_a_page_is_not_sent_again_until_it_changes(self):
        status, headers, body = self.ask("python/simple/mirror-base/", Accept=JSON)
        self.assertEqual((status, headers["content-type"], headers["vary"]), (200, JSON, "Accept"))
        versions = len(json.loads(body)["versions"])
        self.assertEqual(self.ask("python/simple/mirror-base/", Accept=JSON, If_None_Match=headers["etag"])[0], 304)
        change = json.dumps({"project": "mirror-base", "version": f"0.{versions}"})
        self.assertEqual(self.ask("python/_control/release", "POST", change)[0], 200)
        status, _, body = self.ask("python/simple/mirror-base/", Accept=JSON, If_None_Match=headers["etag"])
        self.assertEqual((status, len(json.loads(body)["versions"])), (200, versions + 1))

    def test_an_index_speaks_html_and_json(self):
        for accept, is_json in ((None, False), ("text/html", False), (f"{JSON}, text/html; q=0.1", True), (f"{JSON}; q=0.1, text/html", False)):
            _, headers, body = self.ask("python/simple/mirror-left/", **({"Accept": accept} if accept else {}))
            self.assertEqual(headers["content-type"] == JSON, is_json, accept)
            self.assertEqual(body.startswith(b"{"), is_json, accept)
        self.assertEqual(self.ask("python/simple/mirror-left")[1]["location"], "/simple/mirror-left/")
        self.assertEqual(self.ask("python/simple/Mirror_Left/")[1]["location"], "/simple/mirror-left/")
        self.assertEqual(self.ask("python/simple/none/")[0], 404)

    def test_links_have_three_forms_and_lead_to_what_they_state(self):
        starts = {"mirror-left": self.urls["files"] + "/", "mirror-right": "/packages/", "mirror-base": "../../packages/"}
        for project, start in starts.items():
            file = json.loads(self.ask(f"python/simple/{project}/", Accept=JSON)[2])["files"][0]
            self.assertTrue(file["url"].startswith(start), file["url"])
            url = file["url"] if "://" in file["url"] else f"python/{file['url'].removeprefix('../..').lstrip('/')}"
            status, headers, data = self.ask(url)
            self.assertEqual((status, hashlib.sha256(data).hexdigest()), (200, file["hashes"]["sha256"]))
            self.assertEqual(headers["accept-ranges"], "bytes")
            metadata = self.ask(f"{url}.metadata")[2]
            self.assertEqual(hashlib.sha256(metadata).hexdigest(), file["core-metadata"]["sha256"])
        plain = json.loads(self.ask("python/simple/mirror-plain/", Accept=JSON)[2])["files"][0]
        self.assertNotIn("core-metadata", plain)
        self.assertEqual(self.ask(f"{plain['url']}.metadata")[0], 404)

    def test_files_have_ranges(self):
        _, headers, whole = self.ask("plain/files/two.bin")
        for wanted, part, where in (("0-9", whole[:10], "0-9"), ("299990-", whole[-10:], "299990-299999"), ("-5", whole[-5:], "299995-299999")):
            status, fields, body = self.ask("plain/files/two.bin", Range=f"bytes={wanted}")
            self.assertEqual((status, body, fields["content-range"]), (206, part, f"bytes {where}/300000"))
        self.assertEqual(self.ask("plain/files/two.bin", Range="bytes=300000-")[0], 416)
        self.assertEqual(self.ask("plain/files/two.bin", Range="bytes=0-9", If_Range='"other"')[0], 200)
        self.assertEqual(self.ask("plain/files/two.bin", Range="bytes=0-9", If_Range=headers["etag"])[0], 206)
        self.assertEqual(self.ask("plain/files/two.bin", If_Modified_Since=headers["last-modified"])[0], 304)

    def test_a_packument_has_two_forms(self):
        short = "application/vnd.npm.install-v1+json"
        long_form, short_form = (json.loads(self.ask("npm/left-mirror", Accept=accept)[2]) for accept in ("application/json", short))
        self.assertIn("readme", long_form)
        self.assertNotIn("readme", short_form)
        self.assertEqual(self.ask("npm/@mirror%2fscoped")[0], 200)
        packed, audit = gzip.compress(b'{"left-mirror": ["1.0.0"]}'), "npm/-/npm/v1/security/advisories/bulk"
        self.assertEqual(self.ask(audit, "POST", packed, Content_Encoding="gzip")[0], 200)
        self.assertEqual(self.ask(audit, "POST", packed)[0], 400)
        self.assertEqual(self.ask(short_form["versions"]["1.0.0"]["dist"]["tarball"])[0], 200)

    def test_other_registries_answer_what_is_not_there_with_404(self):
        for path in ("npm/none", "cargo/no/ne/none", "go/example.test/none/@v/list", "maven/none", "apt/none", "conda/channel/noarch/repodata.json.zst", "nix/none.narinfo"):
            self.assertEqual(self.ask(path)[0], 404, path)
        self.assertEqual(self.ask("npm/left-mirror", "DELETE")[0], 405)

    def test_crates_are_where_the_configuration_says(self):
        place = json.loads(self.ask("cargo/config.json")[2])["dl"]
        line = json.loads(self.ask("cargo/mi/rr/mirror-leaf")[2])
        data = self.ask(f"{place}/mirror-leaf/1.0.0/download")[2]
        self.assertEqual(hashlib.sha256(data).hexdigest(), line["cksum"])

    def test_an_archive_is_signed_and_its_indexes_are_named_after_their_digests(self):
        key, signed = os.path.join(self.root, "key.gpg"), os.path.join(self.root, "InRelease")
        subprocess.run(["gpg", "--batch", "--yes", "--homedir", self.root, "--dearmor", "-o", key], input=self.ask("apt/archive.asc")[2], check=True, capture_output=True)
        release = self.ask("apt/dists/stable/InRelease")[2]
        with open(signed, "wb") as file:
            file.write(release)
        subprocess.run(["gpgv", "--keyring", key, signed], check=True, capture_output=True)
        digest, _, name = next(line.split() for line in release.decode().splitlines() if line.endswith("/Packages"))
        by_hash = self.ask(f"apt/dists/stable/{os.path.dirname(name)}/by-hash/SHA256/{digest}")[2]
        self.assertEqual(by_hash, self.ask(f"apt/./dists/stable/{name}")[2])

    def test_images_want_a_token_and_their_blobs_are_behind_a_redirect(self):
        status, headers, _ = self.ask("oci/v2/library/mirror/manifests/latest")
        self.assertEqual(status, 401)
        realm, service, scope = headers["www-authenticate"].removeprefix("Bearer ").split(",")
        token = json.loads(self.ask(f"{realm[7:-1]}?{service.replace(chr(34), '')}&{scope.replace(chr(34), '')}")[2])["token"]
        status, headers, manifest = self.ask("oci/v2/library/mirror/manifests/latest", Authorization=f"Bearer {token}")
        self.assertEqual((status, headers["docker-content-digest"]), (200, f"sha256:{hashlib.sha256(manifest).hexdigest()}"))
        digest = json.loads(manifest)["layers"][0]["digest"]
        status, headers, _ = self.ask(f"oci/v2/library/mirror/blobs/{digest}", Authorization=f"Bearer {token}")
        self.assertEqual(status, 307)
        self.assertEqual(f"sha256:{hashlib.sha256(self.ask(headers['location'])[2]).hexdigest()}", digest)
        self.assertEqual(self.ask(headers["location"].partition("?")[0])[0], 403)
        self.assertEqual(self.ask("oci/v2/library/mirror/tags/list", Authorization="Bearer made-up")[0], 401)

    def test_a_hub_says_on_head_what_its_files_are(self):
        status, headers, _ = self.ask("hub/mirror/tiny/resolve/main/weights.bin", "HEAD")
        self.assertEqual((status, headers["x-linked-size"], len(headers["x-repo-commit"])), (302, "50000000", 40))
        self.assertIn("x-xet-hash", headers)
        status, there, _ = self.ask(headers["location"], "HEAD")
        self.assertEqual((status, there["content-length"]), (200, "50000000"))
        self.assertNotIn("x-repo-commit", there)
        status, headers, _ = self.ask("hub/mirror/tiny/resolve/main/config.json", "HEAD")
        self.assertEqual((status, headers["location"][:20]), (307, "/api/resolve-cache/m"))
        self.assertEqual(self.ask(f"hub{headers['location']}")[0], 200)
        self.assertEqual(self.ask("hub/mirror/tiny/resolve/main/none")[1]["x-error-code"], "EntryNotFound")

    def test_a_gated_hub_lets_in_who_has_its_token(self):
        path = "gated/mirror/tiny/resolve/main/config.json"
        status, headers, _ = self.ask(path, "HEAD")
        self.assertEqual((status, headers["x-error-code"]), (401, "GatedRepo"))
        self.assertEqual(self.ask(path, "HEAD", Authorization="Bearer made-up")[0], 401)
        status, headers, _ = self.ask(path, "HEAD", Authorization="Bearer hf_test")
        self.assertEqual(status, 307)
        self.assertEqual(self.ask(f"gated{headers['location']}", Authorization="Bearer hf_test")[0], 200)

    def test_every_host_counts_what_it_was_asked(self):
        self.ask("conda/channel/noarch/repodata.json")
        self.ask("conda/channel/noarch/none")
        asked = [(entry["method"], entry["target"], entry["status"]) for entry in json.loads(self.ask("conda/_control/requests")[2])]
        self.assertEqual(asked[-2:], [("GET", "/channel/noarch/repodata.json", 200), ("GET", "/channel/noarch/none", 404)])

    def test_a_client_that_speaks_tls_is_answered(self):
        with socket.create_connection(("127.0.0.1", urlsplit(self.urls["oci"]).port), timeout=5) as client:
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 400 "))
