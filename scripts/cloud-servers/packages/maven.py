"""A Maven repository: org.example.mirror:parent, a POM, and :leaf, an empty jar, each with checksums in files of their own.

POST /_control/release {"version"} publishes a further version of both.
"""

import hashlib

from .answers import file, page
from .archives import zipped
from .host import Host

EMPTY = zipped({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n\n"})
HEAD = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'


class Maven(Host):
    def __init__(self, world):
        super().__init__(world)
        self.versions = ["1.0"]

    def control(self, request, segments, wanted):
        if segments == ["release"]:
            self.versions.append(wanted["version"])
            return {}
        return super().control(request, segments, wanted)

    def get(self, request, path):
        name = "/".join(path)
        changing, fixed = {}, {}
        for artifact, packaging in (("parent", "pom"), ("leaf", "jar")):
            folder = f"org/example/mirror/{artifact}"
            changing[f"{folder}/maven-metadata.xml"] = self.metadata(artifact)
            for version in self.versions:
                fixed[f"{folder}/{version}/{artifact}-{version}.pom"] = self.pom(artifact, version, packaging)
            for version in self.versions if packaging == "jar" else []:
                fixed[f"{folder}/{version}/{artifact}-{version}.jar"] = EMPTY
        # Maven 3 gives it to every extension.
        utils = "org/codehaus/plexus/plexus-utils/1.1/plexus-utils-1.1"
        fixed |= {f"{utils}.jar": EMPTY, f"{utils}.pom": self.pom("plexus-utils", "1.1", "jar", "org.codehaus.plexus")}
        for files, kind in ((changing, page), (fixed, file)):
            for digest in ("sha1", "md5"):
                files |= {f"{path}.{digest}": hashlib.new(digest, data).hexdigest().encode() for path, data in files.items() if path[-4] in ".-"}
            if name in files:
                return kind(request, files[name], "text/xml" if name.endswith((".xml", ".pom")) else "application/octet-stream")
        return None

    def metadata(self, artifact):
        versions = "".join(f"<version>{version}</version>" for version in self.versions)
        released = f"<latest>{self.versions[-1]}</latest><release>{self.versions[-1]}</release>"
        versioning = f"<versioning>{released}<versions>{versions}</versions><lastUpdated>20231114221320</lastUpdated></versioning>"
        return f"<metadata><groupId>org.example.mirror</groupId><artifactId>{artifact}</artifactId>{versioning}</metadata>".encode()

    def pom(self, artifact, version, packaging, group="org.example.mirror"):
        names = f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        return f"{HEAD}{names}<packaging>{packaging}</packaging></project>".encode()
