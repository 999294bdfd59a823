"""A hub of models as Hugging Face's: mirror/tiny has a small configuration and 50 MB of weights, in one commit that main points to.

HEAD comes first. A small file is redirected within the host, to a path with the commit; a large one to a signed URL of the CDN, whose answer lacks the
hub's own fields. POST /_control/commit makes a further commit, with another configuration and the same weights.

A second hub lets in only who has a token, for repositories that are not for everybody.
"""

import hashlib
import json

from web.messages import Response

from .answers import file, page, redirect
from .archives import noise
from .host import Host

REPOSITORY = "mirror/tiny"


class Hub(Host):
    size = 50_000_000
    # What a client has to show; None for nothing.
    token = None

    def __init__(self, world):
        super().__init__(world)
        self.weights = noise(self.size, 3)
        self.weights_sha256 = hashlib.sha256(self.weights).hexdigest()
        self.commits = []
        self.commit()

    def commit(self):
        config = json.dumps({"model_type": "tiny", "revision": len(self.commits)}).encode()
        self.commits.append((hashlib.sha1(config).hexdigest(), {"config.json": config, "weights.bin": self.weights}))

    def control(self, request, segments, wanted):
        if segments == ["commit"]:
            self.commit()
            return {"commit": self.commits[-1][0]}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Response(401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted", "Content-Type": "text/plain"}, b"Unauthorized")
        match path:
            case ["api", "models", owner, name] if f"{owner}/{name}" == REPOSITORY:
                return self.model(request, "main")
            case ["api", "models", owner, name, "revision", revision] if f"{owner}/{name}" == REPOSITORY:
                return self.model(request, revision)
            case ["api", "models", owner, name, "tree", revision] if f"{owner}/{name}" == REPOSITORY:
                return self.tree(request, revision)
            case ["api", "resolve-cache", "models", owner, name, revision, file_name] if f"{owner}/{name}" == REPOSITORY:
                return self.small(request, revision, file_name)
            case [owner, name, "resolve", revision, file_name] if f"{owner}/{name}" == REPOSITORY:
                return self.resolve(request, revision, file_name)
        return None

    def find(self, revision):
        if revision == "main":
            return self.commits[-1]
        return next(((commit, files) for commit, files in self.commits if commit == revision), (None, {}))

    def model(self, request, revision):
        commit, files = self.find(revision)
        if commit is None:
            return None
        body = {"_id": "1", "id": REPOSITORY, "modelId": REPOSITORY, "sha": commit, "private": False, "tags": [], "downloads": 1, "likes": 0}
        body |= {"siblings": [{"rfilename": name} for name in files], "author": "mirror", "gated": False, "disabled": False}
        return page(request, json.dumps(body).encode(), "application/json; charset=utf-8", 0)

    def tree(self, request, revision):
        _, files = self.find(revision)
        entries = []
        for name, data in files.items():
            entry = {"type": "file", "oid": hashlib.sha1(data[:1000]).hexdigest(), "size": len(data), "path": name}
            if name == "weights.bin":
                entry["lfs"] = {"oid": self.weights_sha256, "size": len(data), "pointerSize": 134}
            entries.append(entry)
        return page(request, json.dumps(entries).encode(), "application/json; charset=utf-8", 0) if entries else None

    def resolve(self, request, revision, name):
        commit, files = self.find(revision)
        if name not in files:
            return Response(404, {"X-Error-Code": "EntryNotFound" if commit else "RevisionNotFound", "Content-Type": "text/plain"}, b"Entry not found")
        fields = {"X_Repo_Commit": commit, "Accept_Ranges": "bytes", "Vary": "Origin, Accept"}
        if name != "weights.bin":
            return redirect(f"/api/resolve-cache/models/{REPOSITORY}/{commit}/{name}", 307, **fields)
        # What the client of a newer storage would go around a mirror with.
        xet = {"X_Xet_Hash": "0" * 64, "Set_Cookie": "session=secret"}
        links = f'<{self.world.urls["hub"]}/api/models/{REPOSITORY}/xet-read-token/{commit}>; rel="xet-auth"'
        sized = {"X_Linked_Size": str(len(self.weights)), "X_Linked_ETag": f'"{self.weights_sha256}"', "Link": links}
        return self.world.hosts["cdn"].redirect(f"/weights/{self.weights_sha256}", self.weights, 302, **fields, **sized, **xet)

    def small(self, request, revision, name):
        commit, files = self.find(revision)
        if commit != revision or name not in files:
            return None
        etag = f'"{hashlib.sha1(files[name]).hexdigest()}"'
        return file(request, files[name], "text/plain; charset=utf-8", X_Repo_Commit=commit, ETag=etag, Cache_Control=None)


class Gated(Hub):
    size = 200_000
    token = "hf_test"
