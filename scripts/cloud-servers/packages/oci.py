"""A container registry as the public ones are: no answer without a token from another host, blobs behind a signed redirect.

library/mirror:latest has one layer. POST /_control/push {"tag"} gives it a further layer.
"""

import hashlib
import json
import secrets
import time

from web.messages import Response

from .answers import file, missing
from .archives import noise, tar
from .host import Host

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
NAME = "library/mirror"


def digest_of(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Tokens(Host):
    """Gives anybody a token for what the scope names, for five minutes."""

    scopes = {}

    def get(self, request, path):
        if path != ["token"] or request.parameter("service") != "registry.test":
            return None
        token = secrets.token_urlsafe(32)
        self.scopes[token] = (request.parameter("scope", ""), time.time() + 300)
        body = json.dumps({"token": token, "access_token": token, "expires_in": 300}).encode()
        return Response(200, {"Content-Type": "application/json"}, body)

    def allows(self, field, scope):
        granted, until = self.scopes.get(field.removeprefix("Bearer "), (None, 0))
        return field.startswith("Bearer ") and granted == scope and time.time() < until


class OCI(Host):
    def __init__(self, world):
        super().__init__(world)
        self.blobs, self.manifests, self.tags = {}, {}, {}
        self.layers = [tar({"etc/mirror": noise(300_000, 1)})]
        self.push("latest")

    def push(self, tag):
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}
        config["rootfs"]["diff_ids"] = [digest_of(tar({"etc/mirror": noise(300_000, 1 + index)}, "none")) for index in range(len(self.layers))]
        parts = [(CONFIG, json.dumps(config).encode()), *((LAYER, layer) for layer in self.layers)]
        described = [{"mediaType": kind, "digest": digest_of(data), "size": len(data)} for kind, data in parts]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}).encode()
        self.blobs |= {digest_of(data): data for _, data in parts}
        self.manifests[digest_of(manifest)] = manifest
        self.tags[tag] = digest_of(manifest)

    def control(self, request, segments, wanted):
        if segments == ["push"]:
            self.layers.append(tar({"etc/mirror": noise(300_000, 1 + len(self.layers))}))
            self.push(wanted["tag"])
            return {"digest": self.tags[wanted["tag"]]}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        if path[0] != "v2":
            return None
        scope = f"repository:{NAME}:pull" if path[1:] != [""] else ""
        field = request.headers.get("authorization", "")
        if not self.world.hosts["tokens"].allows(field, scope):
            challenge = f'Bearer realm="{self.world.urls["tokens"]}/token",service="registry.test"' + (f',scope="{scope}"' if scope else "")
            body = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
            return Response(401, {"WWW-Authenticate": challenge, "Content-Type": "application/json"}, body)
        match path[1:]:
            case [""]:
                return Response(200, {"Content-Type": "application/json", "Docker-Distribution-Api-Version": "registry/2.0"}, b"{}")
            case [*name, "manifests", reference] if "/".join(name) == NAME:
                digest = self.tags.get(reference, reference)
                if digest in self.manifests:
                    # Registries differ in validators; this one has an ETag.
                    return file(request, self.manifests[digest], MANIFEST, Docker_Content_Digest=digest, ETag=f'"{digest}"', Cache_Control=None)
            case [*name, "blobs", digest] if "/".join(name) == NAME and digest in self.blobs:
                return self.world.hosts["cdn"].redirect(f"/blobs/{digest}", self.blobs[digest], 307)
            case [*name, "tags", "list"] if "/".join(name) == NAME:
                return Response(200, {"Content-Type": "application/json"}, json.dumps({"name": NAME, "tags": list(self.tags)}).encode())
        return missing('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
