"""Hosts of files: plain ones, those that indexes of other hosts link to, those behind signatures, and GitHub's releases and objects of Git LFS."""

import hashlib
import hmac
import json
import secrets
import time

from web.messages import Response

from .answers import file, missing, redirect
from .archives import noise, tar
from .host import Host


class Plain(Host):
    """/files/NAME: one.bin of 5 MB and two.bin of 300 kB."""

    def __init__(self, world):
        super().__init__(world)
        self.files = {"one.bin": noise(5_000_000, 11), "two.bin": noise(300_000, 12)}

    def get(self, request, path):
        return file(request, self.files[path[1]]) if path[0] == "files" and len(path) == 2 and path[1] in self.files else None


class Files(Host):
    """What pages of other hosts link to: Python's wheels and cargo's crates."""

    def get(self, request, path):
        return self.world.hosts["python"].file(request) or self.world.hosts["cargo"].file(request, path)


class CDN(Host):
    """Only answers signed URLs, which are good for a minute."""

    def __init__(self, world):
        super().__init__(world)
        self.secret = secrets.token_bytes(32)
        self.known = {}

    def signature(self, path, expires):
        return hmac.new(self.secret, f"{path} {expires}".encode(), hashlib.sha256).hexdigest()

    def signed(self, path, data):
        """A URL, new each second, of what is there from now on."""
        self.known[path] = data
        expires = str(int(time.time()) + 60)
        return f"{self.world.urls['cdn']}{path}?Expires={expires}&Signature={self.signature(path, expires)}&Key-Pair-Id=K1"

    def redirect(self, path, data, status, **fields):
        return redirect(self.signed(path, data), status, Cache_Control="no-store", **fields)

    def get(self, request, path):
        expires, signature = request.parameter("Expires", "0"), request.parameter("Signature", "")
        if not hmac.compare_digest(signature, self.signature(request.raw_path, expires)) or int(expires) < time.time():
            answer = missing("AccessDenied")
            answer.status = 403
            return answer
        return file(request, self.known[request.raw_path])


class GitHub(Host):
    """/mirror/tool/releases/download/v1/tool.tar.gz is redirected to a signed URL, as assets of releases are.

    /mirror/tool.git/info/lfs is a server of Git LFS with one object of 200 kB, which is at a signed URL, too.
    """

    methods = ("GET", "HEAD", "POST")
    lfs_type = "application/vnd.git-lfs+json"

    def __init__(self, world):
        super().__init__(world)
        self.object = noise(200_000, 22)
        self.asset = tar({"tool/BUILD": b'exports_files(["data.bin"])\n', "tool/WORKSPACE": b"", "tool/data.bin": noise(100_000, 21)})

    def get(self, request, path):
        if request.method == "POST":
            return self.batch(json.loads(request.body.read())) if path == ["mirror", "tool.git", "info", "lfs", "objects", "batch"] else None
        is_asset = path == ["mirror", "tool", "releases", "download", "v1", "tool.tar.gz"]
        return self.world.hosts["cdn"].redirect("/assets/1", self.asset, 302) if is_asset else None

    def batch(self, question):
        """https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md"""
        oid = hashlib.sha256(self.object).hexdigest()
        objects = []
        for wanted in question["objects"]:
            if wanted["oid"] == oid and question["operation"] == "download":
                href = self.world.hosts["cdn"].signed(f"/alambic/media/1/{oid[:2]}/{oid[2:4]}/{oid}", self.object)
                objects.append(wanted | {"actions": {"download": {"href": href, "expires_in": 60}}})
            else:
                objects.append(wanted | {"error": {"code": 404, "message": "no such object"}})
        body = {"transfer": "basic", "objects": objects, "hash_algo": "sha256"}
        return Response(200, {"Content-Type": self.lfs_type}, json.dumps(body).encode())
