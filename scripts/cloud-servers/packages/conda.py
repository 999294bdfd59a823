"""A conda channel, `channel`, with repodata.json alone: its compressed and sharded forms are 404. mirror-app needs mirror-leaf."""

import hashlib
import json

from .answers import file, page
from .archives import noise, tar
from .host import Host


class Package:
    def __init__(self, name, depends):
        self.name = f"{name}-1.0-0.tar.bz2"
        self.record = {"name": name, "version": "1.0", "build": "0", "build_number": 0, "depends": depends, "subdir": "noarch", "noarch": "generic"}
        path, content = f"share/{name}.bin", noise(10_000, len(name))
        described = {"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(content).hexdigest(), "size_in_bytes": len(content)}
        files = {"info/index.json": self.record, "info/paths.json": {"paths": [described], "paths_version": 1}}
        self.data = tar({name: json.dumps(data).encode() for name, data in files.items()} | {path: content}, "bz2")
        self.record |= {"sha256": hashlib.sha256(self.data).hexdigest(), "md5": hashlib.md5(self.data).hexdigest(), "size": len(self.data)}


class Conda(Host):
    def __init__(self, world):
        super().__init__(world)
        packages = [Package("mirror-app", ["mirror-leaf"]), Package("mirror-leaf", [])]
        self.packages = {package.name: package for package in packages}

    def get(self, request, path):
        match path:
            case ["channel", ("noarch" | "linux-64") as subdir, "repodata.json"]:
                records = {name: package.record for name, package in self.packages.items() if subdir == "noarch"}
                body = {"info": {"subdir": subdir}, "packages": records, "packages.conda": {}, "repodata_version": 1}
                return page(request, json.dumps(body).encode(), "application/json", 30)
            case ["channel", "noarch", name] if name in self.packages:
                return file(request, self.packages[name].data, "application/x-tar")
