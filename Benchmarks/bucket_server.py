"""A server on loopback that plays a cloud: it is copied into and out of, by us and by the peers."""

import subprocess
from pathlib import Path

from process import cpu_seconds
from settings import MIB

# One gets the copies, the other has what is copied within the server.
POOL_BUCKET = "mirror-pool"
ORIGIN_BUCKET = "mirror-origin"


class BucketServer:
    """One server with two empty buckets, as a context manager. There is a subclass for each cloud."""

    # For people.
    title = ""
    # What rclone calls the service, configured by the environment.
    remote = ""
    # Whether rclone sends one object in several streams at once.
    takes_streams = True
    # Whether a peer's copies are only in memory when it ends, unlike ours.
    has_to_sync = False
    # Whether copies stay until the end of the run, because deleting them would slow down what comes next.
    keeps_copies = False
    process: subprocess.Popen

    @property
    def environment(self) -> dict[str, str]:
        """What makes the peers speak to this server."""
        raise NotImplementedError

    def pool_settings(self) -> str:
        """What the configuration of a mirror says about a pool in POOL_BUCKET, as a flow mapping."""
        raise NotImplementedError

    def sizes(self, bucket: str) -> list[int]:
        """Of all objects in a bucket."""
        raise NotImplementedError

    def empty(self, bucket: str) -> None:
        """Removes what a peer has copied, or sets it aside."""
        raise NotImplementedError

    def set_aside(self, bucket: str) -> None:
        """What is there no longer counts. Only for those that keep copies."""
        raise NotImplementedError

    def large_peers(self, url: str) -> dict[str, list]:
        """Commands beside rclone that copy one artifact into POOL_BUCKET, by their names."""
        return {}

    def small_peers(self, urls: str, downloads: Path) -> dict[str, list]:
        """Commands beside rclone that copy many, by their names. `urls` has a range for curl; what they need to write goes into `downloads`."""
        return {}

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def expect(self, bucket: str, size: int, count: int, name: str) -> None:
        """Raises unless the bucket has exactly so many objects, each of this size."""
        sizes = self.sizes(bucket)
        if sizes != [size] * count:
            wrong = [each for each in sizes if each != size]
            raise RuntimeError(f"{name} left {len(sizes)} objects in {bucket}, {len(wrong)} of a wrong size; {count} of {size} bytes were expected")


def room(copies: int, size: int) -> int:
    """Bytes of disk for so many copies: a server gives back what is deleted only now and then."""
    return copies * (size + MIB)
