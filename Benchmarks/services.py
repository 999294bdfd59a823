"""What pools are in: clouds, each with a server that plays it, and directories."""

from dataclasses import dataclass

from bucket_mirror import AzureMirror, BucketMirror, GCSMirror
from bucket_server import BucketServer
from cloud_servers import AzureServer, GCSServer
from directory_server import Directories, DirectoryMirror
from s3_mirror import S3Mirror
from seaweedfs import SeaweedFS


@dataclass(frozen=True)
class Service:
    # The first word of its pools' names, and of its benchmarks'.
    name: str
    server: type[BucketServer]
    mirror: type[BucketMirror]
    # Against each peer.
    budget: str


SERVICES = {
    service.name: service for service in (
        Service("s3", SeaweedFS, S3Mirror, "at least rclone and s5cmd"),
        Service("gcs", GCSServer, GCSMirror, "at least rclone"),
        Service("azure", AzureServer, AzureMirror, "at least rclone"),
        Service("local", Directories, DirectoryMirror, "at least rclone"),
    )
}
