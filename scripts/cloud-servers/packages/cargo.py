"""A sparse index of crates; the crates are on the host of files. mirror-app needs mirror-leaf.

POST /_control/yank {"crate"} yanks it, so that its page changes.
"""

import hashlib
import json

from .answers import file, page
from .archives import tar
from .host import Host


class Crate:
    def __init__(self, name, version, needs, code):
        self.name, self.version, self.needs, self.yanked = name, version, needs, False
        dependencies = "".join(f'{need} = "1"\n' for need in needs)
        manifest = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n\n[dependencies]\n{dependencies}'
        root = f"{name}-{version}"
        self.data = tar({f"{root}/Cargo.toml": manifest.encode(), f"{root}/src/lib.rs": code.encode()})

    def line(self):
        deps = [
            {"name": need, "req": "^1", "features": [], "optional": False, "default_features": True, "target": None, "kind": "normal"}
            for need in self.needs
        ]
        entry = {"name": self.name, "vers": self.version, "deps": deps, "cksum": hashlib.sha256(self.data).hexdigest()}
        return json.dumps(entry | {"features": {}, "yanked": self.yanked}) + "\n"


class Cargo(Host):
    def __init__(self, world):
        super().__init__(world)
        crates = [Crate("mirror-leaf", "1.0.0", [], "pub fn number() -> u32 { 42 }\n")]
        crates.append(Crate("mirror-branch", "1.0.0", ["mirror-leaf"], "pub fn number() -> u32 { mirror_leaf::number() }\n"))
        self.crates = {crate.name: crate for crate in crates}

    def control(self, request, segments, wanted):
        if segments == ["yank"]:
            self.crates[wanted["crate"]].yanked = True
            return {}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        if path == ["config.json"]:
            config = {"dl": f"{self.world.urls['files']}/crates", "api": self.world.urls["cargo"]}
            return page(request, json.dumps(config).encode(), "application/json")
        crate = self.crates.get(path[-1])
        # Names here have four letters at least.
        if crate and path == [crate.name[:2], crate.name[2:4], crate.name]:
            return page(request, crate.line().encode(), "text/plain")
        return None

    def file(self, request, path):
        """For the host of files: crates/NAME/VERSION/download."""
        match path:
            case ["crates", name, version, "download"] if name in self.crates and self.crates[name].version == version:
                return file(request, self.crates[name].data)
