"""An npm registry: packuments in their long and short form, and tarballs on the same host.

left-mirror needs @mirror/scoped. POST /_control/release {"package", "version"} publishes a further version.
"""

import base64
import gzip
import hashlib
import json

from web.messages import Response

from .answers import file, page
from .archives import noise, tar
from .host import Host

SHORT = "application/vnd.npm.install-v1+json"


class Package:
    def __init__(self, name, version, dependencies):
        self.name, self.version, self.dependencies = name, version, dependencies
        self.manifest = {"name": name, "version": version, "main": "index.js", "dependencies": dependencies}
        files = {"package/package.json": json.dumps(self.manifest).encode(), "package/index.js": f'module.exports = "{version}";\n'.encode()}
        self.data = tar(files | {"package/data.bin": noise(5_000, len(name))})
        self.path = f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


class NPM(Host):
    methods = ("GET", "HEAD", "POST")

    def __init__(self, world):
        super().__init__(world)
        packages = [Package("left-mirror", "1.0.0", {"@mirror/scoped": "^1.0.0"}), Package("@mirror/scoped", "1.0.0", {})]
        self.packages = {package.name: [package] for package in packages}

    def control(self, request, segments, wanted):
        if segments == ["release"]:
            self.packages[wanted["package"]].append(Package(wanted["package"], wanted["version"], {}))
            return {}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        if request.method == "POST":
            return self.audit(request) if request.raw_path == "/-/npm/v1/security/advisories/bulk" else None
        # A name with a scope is one segment, "@scope%2fname", or two.
        name = "/".join(path)
        if name in self.packages:
            return self.packument(request, self.packages[name])
        packages = [package for versions in self.packages.values() for package in versions]
        package = next((package for package in packages if f"/{name}" == package.path), None)
        return file(request, package.data) if package else None

    def audit(self, request):
        """Nothing is wrong with any package, if the names and versions of packages can be read."""
        body = request.body.read()
        try:
            if request.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            readable = all(isinstance(versions, list) for versions in json.loads(body).values())
        except (OSError, ValueError, AttributeError):
            readable = False
        return Response(200 if readable else 400, {"Content-Type": "application/json"}, b"{}")

    def packument(self, request, packages):
        versions = {}
        for package in packages:
            sha512 = base64.b64encode(hashlib.sha512(package.data).digest()).decode()
            dist = {"tarball": self.world.urls["npm"] + package.path, "integrity": f"sha512-{sha512}", "shasum": hashlib.sha1(package.data).hexdigest()}
            versions[package.version] = package.manifest | {"dist": dist}
        body = {"name": packages[0].name, "dist-tags": {"latest": packages[-1].version}, "versions": versions}
        is_short = SHORT in request.headers.get("accept", "")
        if not is_short:
            body |= {"_id": packages[0].name, "readme": "A package of a test.", "time": dict.fromkeys(versions, "2023-11-14T22:13:20.000Z")}
        return page(request, json.dumps(body).encode(), SHORT if is_short else "application/json", 300, Vary="Accept")
