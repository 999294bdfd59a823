"""An apt repository as Debian's: a signed InRelease, indexes under by-hash, packages in pool/. mirror-app needs mirror-leaf and twelve others: more than
apt asks for before the first answer.

archive.asc is the key that signs. POST /_control/release {"version"} publishes a further version of mirror-leaf.
"""

import hashlib
import lzma
import os
import subprocess
import time

from web.messages import http_date

from .answers import file, page
from .archives import noise, tar
from .host import Host


class Deb:
    def __init__(self, name, version, depends=None):
        self.path = f"pool/main/m/{name}/{name}_{version}_all.deb"
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
        control += (f"Depends: {depends}\n" if depends else "") + "Description: a package of a test\n"
        data = tar({f"./usr/share/{name}/data.bin": noise(20_000, len(name))}, "none")
        self.data = b"!<arch>\n"
        for member, content in (("debian-binary", b"2.0\n"), ("control.tar.gz", tar({"./control": control.encode()})), ("data.tar", data)):
            self.data += f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
        digest = hashlib.sha256(self.data).hexdigest()
        self.paragraph = f"{control}Filename: {self.path}\nSize: {len(self.data)}\nSHA256: {digest}\n\n"


class Apt(Host):
    def __init__(self, world):
        super().__init__(world)
        names = ["mirror-leaf", *(f"mirror-part-{number}" for number in range(12))]
        self.packages = [Deb("mirror-app", "1.0", ", ".join(names)), *(Deb(name, "1.0") for name in names)]
        # The agent that gpg starts has a socket in it, and paths of sockets are short.
        self.keys = os.path.join(world.directory, "keys")
        os.makedirs(self.keys, mode=0o700)
        self.gpg("--quick-generate-key", "Test <test@example.org>", "ed25519", "sign", "never")
        self.key = self.gpg("--armor", "--export")
        self.publish()

    def gpg(self, *arguments, text=b""):
        command = ["gpg", "--homedir", self.keys, "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", *arguments]
        return subprocess.run(command, input=text, capture_output=True, check=True).stdout

    def publish(self):
        """The files of dists/, those that change and those that are named by their digest."""
        packages = "".join(package.paragraph for package in self.packages).encode()
        indexes = {"main/binary-amd64/Packages": packages, "main/binary-amd64/Packages.xz": lzma.compress(packages)}
        lines = ["Origin: Test", "Suite: stable", "Codename: stable", "Architectures: amd64 all", "Components: main", "Acquire-By-Hash: yes"]
        lines += [f"Date: {http_date(time.time())}", "SHA256:"]
        lines += [f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}" for name, data in indexes.items()]
        release = "\n".join([*lines, ""]).encode()
        self.changing = {f"dists/stable/{name}": data for name, data in indexes.items()}
        self.changing |= {"dists/stable/Release": release, "dists/stable/InRelease": self.gpg("--clearsign", text=release)}
        self.changing |= {"dists/stable/Release.gpg": self.gpg("--armor", "--detach-sign", text=release), "archive.asc": self.key}
        self.fixed = {f"dists/stable/main/binary-amd64/by-hash/SHA256/{hashlib.sha256(data).hexdigest()}": data for data in indexes.values()}
        self.fixed |= {package.path: package.data for package in self.packages}
        # Nothing is left of the agent when this process ends.
        subprocess.run(["gpgconf", "--homedir", self.keys, "--kill", "gpg-agent"], check=True)

    def control(self, request, segments, wanted):
        if segments == ["release"]:
            self.packages.append(Deb("mirror-leaf", wanted["version"]))
            self.publish()
            return {}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        # apt keeps the "." that the flat form of a source ends in.
        name = "/".join(part for part in path if part != ".")
        if name in self.changing:
            return page(request, self.changing[name], "application/octet-stream", 120)
        return file(request, self.fixed[name], "application/vnd.debian.binary-package") if name in self.fixed else None
