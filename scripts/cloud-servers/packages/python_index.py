"""A Python index as PyPI is: HTML and JSON (PEP 503, 691, 700, 714), files on another host, and a few links of other forms.

mirror-app needs mirror-left, mirror-right and mirror-base.
    mirror-app, mirror-left    absolute links to the host of files, with .metadata beside each wheel: as on PyPI
    mirror-right               links that begin with "/", as piwheels and the index of PyTorch have
    mirror-base                links relative to the page
    mirror-plain               2 MB, and nothing said about metadata, as indexes without PEP 658 have
    mirror-wrong               the stated SHA-256 is that of other bytes
POST /_control/release {"project", "version"} publishes a further version, and /_control/add {"project", "requires", "size", "versions"} a further project of
the same form as mirror-app, of so many versions (or one), whose wheels hold so many random bytes each.
"""

import base64
import hashlib
import json
import re

from .answers import file, page, redirect
from .archives import noise, zipped
from .host import Host

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"


class Wheel:
    def __init__(self, project, version, requires=(), size=2_000):
        self.project, self.version = project, version
        module, info = project.replace("-", "_"), f"{project.replace('-', '_')}-{version}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}", "Requires-Python: >=3.8"]
        self.metadata = "\n".join(lines + [f"Requires-Dist: {name}" for name in requires] + [""]).encode()
        files = {
            f"{module}/__init__.py": f'VERSION = "{version}"\n'.encode(),
            f"{module}/data.bin": noise(size, len(project)),
            f"{info}/METADATA": self.metadata,
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: mirror\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = [f"{name},sha256={_record_hash(data)},{len(data)}" for name, data in files.items()]
        files[f"{info}/RECORD"] = "\n".join(record + [f"{info}/RECORD,,", ""]).encode()
        self.data = zipped(files)
        self.name = f"{module}-{version}-py3-none-any.whl"
        self.sha256 = hashlib.sha256(self.data).hexdigest()
        self.path = f"packages/{self.sha256[:2]}/{self.sha256[2:4]}/{self.sha256[4:]}/{self.name}"


def _record_hash(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class PythonIndex(Host):
    # How the links of a project begin, and whether its page says that there is metadata; {files} is the host of files.
    styles = {"mirror-right": ("/", True), "mirror-base": ("../../", True), "mirror-plain": ("{files}/", False)}

    def __init__(self, world):
        super().__init__(world)
        needs = ("mirror-left>=1", "mirror-right", "mirror-base")
        wheels = [Wheel("mirror-app", "1.0", needs), Wheel("mirror-left", "1.0", ("mirror-base",)), Wheel("mirror-right", "1.0")]
        wheels += [Wheel("mirror-base", "1.0"), Wheel("mirror-plain", "1.0", size=2_000_000), Wheel("mirror-wrong", "1.0")]
        self.projects = {wheel.project: [wheel] for wheel in wheels}

    def control(self, request, segments, wanted):
        if segments == ["release"]:
            wheels = self.projects[wanted["project"]]
            wheels.append(Wheel(wanted["project"], wanted["version"]))
            return {"name": wheels[-1].name}
        if segments == ["add"]:
            versions = [f"1.{number}" for number in range(wanted.get("versions", 1))]
            self.projects[wanted["project"]] = [Wheel(wanted["project"], version, wanted["requires"], wanted["size"]) for version in versions]
            return {}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        match path:
            case ["simple", project] if _normal(project) in self.projects:
                return redirect(f"/simple/{_normal(project)}/", 301)
            case ["simple", ""]:
                return self.listing(request)
            case ["simple", project, ""] if project in self.projects:
                return self.project(request, project)
            case ["simple", project, ""] if _normal(project) in self.projects:
                return redirect(f"/simple/{_normal(project)}/", 301)
            case ["packages", *_]:
                return self.file(request)

    def file(self, request):
        """For the host of files, too."""
        for wheel in [wheel for wheels in self.projects.values() for wheel in wheels]:
            if request.raw_path == f"/{wheel.path}":
                return file(request, wheel.data)
            if request.raw_path == f"/{wheel.path}.metadata" and self.style(wheel.project)[1]:
                return file(request, wheel.metadata)
        return None

    def style(self, project):
        start, has_metadata = self.styles.get(project, ("{files}/", True))
        return start.format(files=self.world.urls["files"]), has_metadata

    def listing(self, request):
        if wants_json(request):
            body = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in self.projects]}
            return page(request, json.dumps(body).encode(), JSON_TYPE, Vary="Accept")
        links = "".join(f'<a href="/simple/{name}/">{name}</a>\n' for name in self.projects)
        return page(request, f"<!DOCTYPE html><html><body>\n{links}</body></html>\n".encode(), HTML_TYPE, Vary="Accept")

    def project(self, request, project):
        start, has_metadata = self.style(project)
        wheels = self.projects[project]
        stated = {wheel: "0" * 64 if project == "mirror-wrong" else wheel.sha256 for wheel in wheels}
        if wants_json(request):
            files = []
            for wheel in wheels:
                entry = {"filename": wheel.name, "url": start + wheel.path, "hashes": {"sha256": stated[wheel]}, "requires-python": ">=3.8"}
                entry |= {"size": len(wheel.data), "upload-time": "2023-11-14T22:13:20.000000Z", "yanked": False}
                if has_metadata:
                    entry["core-metadata"] = entry["data-dist-info-metadata"] = {"sha256": hashlib.sha256(wheel.metadata).hexdigest()}
                files.append(entry)
            versions = [wheel.version for wheel in wheels]
            body = {"files": files, "meta": {"_last-serial": 1, "api-version": "1.1"}, "name": project, "versions": versions}
            return page(request, json.dumps(body).encode(), JSON_TYPE, Vary="Accept")
        lines = []
        for wheel in wheels:
            known = f"sha256={hashlib.sha256(wheel.metadata).hexdigest()}"
            metadata = f' data-dist-info-metadata="{known}" data-core-metadata="{known}"' if has_metadata else ""
            link = f"{start}{wheel.path}#sha256={stated[wheel]}"
            lines.append(f'<a href="{link}" data-requires-python="&gt;=3.8"{metadata}>{wheel.name}</a><br />\n')
        head = '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.1"></head><body>\n'
        return page(request, f"{head}{''.join(lines)}</body></html>\n".encode(), HTML_TYPE, Vary="Accept")


def _normal(project):
    return re.sub(r"[-_.]+", "-", project).lower()


def wants_json(request):
    """Whether JSON is among what is accepted and not less wanted than HTML."""
    wanted = {}
    for part in request.headers.get("accept", "*/*").split(","):
        words = [word.strip() for word in part.split(";")]
        wanted[words[0]] = float(next((word[2:] for word in words[1:] if word.startswith("q=")), 1))
    json_quality = max(wanted.get(JSON_TYPE, 0), wanted.get("application/vnd.pypi.simple.latest+json", 0))
    return json_quality > 0 and json_quality >= max(wanted.get("text/html", 0), wanted.get(HTML_TYPE, 0))
