"""Hosts of files: plain ones, those that indexes of other hosts link to, those behind signatures, and GitHub's releases."""

import hashlib
import hmac
import secrets
import time

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

    def redirect(self, path, data, status, **fields):
        self.known[path] = data
        expires = str(int(time.time()) + 60)
        query = f"Expires={expires}&Signature={self.signature(path, expires)}&Key-Pair-Id=K1"
        return redirect(f"{self.world.urls['cdn']}{path}?{query}", status, Cache_Control="no-store", **fields)

    def get(self, request, path):
        expires, signature = request.parameter("Expires", "0"), request.parameter("Signature", "")
        if not hmac.compare_digest(signature, self.signature(request.raw_path, expires)) or int(expires) < time.time():
            answer = missing("AccessDenied")
            answer.status = 403
            return answer
        return file(request, self.known[request.raw_path])


class GitHub(Host):
    """/mirror/tool/releases/download/v1/tool.tar.gz is redirected to a signed URL, as assets of releases are."""

    def __init__(self, world):
        super().__init__(world)
        self.asset = tar({"tool/BUILD": b'exports_files(["data.bin"])\n', "tool/WORKSPACE": b"", "tool/data.bin": noise(100_000, 21)})

    def get(self, request, path):
        is_asset = path == ["mirror", "tool", "releases", "download", "v1", "tool.tar.gz"]
        return self.world.hosts["cdn"].redirect("/assets/1", self.asset, 302) if is_asset else None
