"""cloud-mirror with a pool in a bucket."""

from urllib.parse import urlsplit

from mirror import Mirror
from seaweedfs import ORIGIN_BUCKET, POOL_BUCKET, REGION, SeaweedFS


class S3Mirror(Mirror):
    """One cloud-mirror whose one pool is a bucket, and which has the key to another bucket of the same server as an origin."""

    pool = "s3/eu-central-1"

    def __init__(self, name: str, origin: str, server: SeaweedFS):
        self.server = server
        super().__init__(name, origin)

    def origins(self) -> str:
        return f"  s3: [{{{self._bucket(ORIGIN_BUCKET)}}}]"

    def settings(self) -> str:
        return f"{{{self._bucket(POOL_BUCKET)}, access: presigned}}"

    def _bucket(self, name: str) -> str:
        return (
            f"bucket: {name}, endpoint: \"{self.server.base}\", region: {REGION}, addressing: path, "
            f"credentials: {{accessKeyID: {self.server.access_key}, secretAccessKey: \"{self.server.secret_key}\"}}")

    @classmethod
    def is_copy(cls, location: str) -> bool:
        return urlsplit(location).path.startswith(f"/{POOL_BUCKET}/")
