"""cloud-mirror with a pool in a bucket."""

from urllib.parse import urlsplit

from bucket_server import POOL_BUCKET, BucketServer
from mirror import Mirror


class BucketMirror(Mirror):
    """One cloud-mirror whose one pool is a bucket."""

    def __init__(self, name: str, origin: str, server: BucketServer, on_cores: list[int] | None = None):
        self.server = server
        super().__init__(name, origin, on_cores)

    def settings(self) -> str:
        return self.server.pool_settings()

    @classmethod
    def is_copy(cls, location: str) -> bool:
        return f"/{POOL_BUCKET}/" in urlsplit(location).path


class GCSMirror(BucketMirror):
    pool = "gcs/us-central1"


class AzureMirror(BucketMirror):
    pool = "azure/westeurope"
