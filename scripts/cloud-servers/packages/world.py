"""All hosts, which know each other's URLs."""

from .apt import Apt
from .cargo import Cargo
from .conda import Conda
from .golang import Go
from .hub import Gated, Hub
from .maven import Maven
from .nix import Nix
from .npm import NPM
from .oci import OCI, Tokens
from .plain import CDN, Files, GitHub, Plain
from .python_index import PythonIndex

KINDS = {
    "apt": Apt, "cargo": Cargo, "cdn": CDN, "conda": Conda, "files": Files, "gated": Gated, "github": GitHub, "go": Go, "hub": Hub, "maven": Maven,
    "nix": Nix, "npm": NPM, "oci": OCI, "plain": Plain, "python": PythonIndex, "tokens": Tokens,
}


class World:
    def __init__(self, directory):
        self.directory = directory
        self.urls = {}
        self.hosts = {name: kind(self) for name, kind in KINDS.items()}

    def started(self, ports):
        self.urls |= {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
