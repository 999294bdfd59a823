"""cloud-mirror with a pool in a bucket of S3."""

from bucket_mirror import BucketMirror
from bucket_server import ORIGIN_BUCKET


class S3Mirror(BucketMirror):
    """One cloud-mirror whose one pool is a bucket, and which has the key to another bucket of the same server as an origin."""

    pool = "s3/eu-central-1"

    def origins(self) -> str:
        return f"  s3: [{{{self.server.bucket_settings(ORIGIN_BUCKET)}}}]"
