"""A proxy of Go modules: example.test/app needs example.test/leaf, whose only version is v1.0.0.

POST /_control/release {"version"} publishes a further version of example.test/leaf.
"""

import json

from .answers import file, missing, page
from .archives import zipped
from .host import Host

TIME = "2023-11-14T22:13:20Z"


class Go(Host):
    def __init__(self, world):
        super().__init__(world)
        self.modules = {
            "example.test/leaf": (["v1.0.0"], "module example.test/leaf\n\ngo 1.20\n", "package leaf\n\nfunc Number() int { return 42 }\n"),
            "example.test/branch": (
                ["v1.0.0"],
                "module example.test/branch\n\ngo 1.20\n\nrequire example.test/leaf v1.0.0\n",
                'package branch\n\nimport "example.test/leaf"\n\nfunc Number() int { return leaf.Number() }\n',
            ),
        }

    def control(self, request, segments, wanted):
        if segments == ["release"]:
            self.modules["example.test/leaf"][0].append(wanted["version"])
            return {}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        return self.module(request, "/".join(path)) or missing("not found: no such module or version\n")

    def module(self, request, path):
        name, _, what = path.partition("/@")
        if name not in self.modules:
            return None
        versions, manifest, code = self.modules[name]
        if what == "v/list":
            return page(request, "".join(f"{version}\n" for version in versions).encode(), "text/plain; charset=UTF-8", 60)
        if what == "latest":
            return page(request, _info(versions[-1]), "application/json", 60)
        version, _, kind = what.removeprefix("v/").rpartition(".")
        if version not in versions:
            return None
        if kind == "info":
            return file(request, _info(version), "application/json")
        if kind == "mod":
            return file(request, manifest.encode(), "text/plain; charset=UTF-8")
        root = f"{name}@{version}"
        is_zip = kind == "zip"
        return file(request, zipped({f"{root}/go.mod": manifest.encode(), f"{root}/code.go": code.encode()}), "application/zip") if is_zip else None


def _info(version):
    return json.dumps({"Version": version, "Time": TIME}).encode()
