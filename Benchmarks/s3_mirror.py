"""cloud-mirror with a pool in a bucket."""

from urllib.parse import urlsplit

from mirror import Mirror
from seaweedfs import ORIGIN_BUCKET, POOL_BUCKET, REGION, SeaweedFS


class S3Mirror(Mirror):
    """One cloud-mirror whose one pool is a bucket, and which has the key to another bucket of the same server as an origin."""

    pool = "s3/eu-central-1"

    def __init__(self, name: str, origin: str, server: SeaweedFS, on_cores: list[int] | None = None):
        self.server = server
        super().__init__(name, origin, on_cores)

    def origins(self) -> str:
        return f"  s3: [{{{self._bucket(ORIGIN_BUCKET)}}}]"

    def settings(self) -> str:
        # Public where the bucket is: then a redirect's Location does not change with the time.
        return f"{{{self._bucket(POOL_BUCKET)}, access: {'public' if self.server.is_public else 'presigned'}}}"

    def _bucket(self, name: str) -> str:
        return (
            f"bucket: {name}, endpoint: \"{self.server.base}\", region: {REGION}, addressing: path, "
            f"credentials: {{accessKeyID: {self.server.access_key}, secretAccessKey: \"{self.server.secret_key}\"}}")

    @classmethod
    def is_copy(cls, location: str) -> bool:
        return urlsplit(location).path.startswith(f"/{POOL_BUCKET}/")
