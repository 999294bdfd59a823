"""SeaweedFS on loopback, which plays S3."""

import http.client
import json
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from bucket_server import ORIGIN_BUCKET, POOL_BUCKET, BucketServer
from process import free_ports, start
from settings import DATA, LOGS

REGION = "us-east-1"


class SeaweedFS(BucketServer):
    """One server that checks signatures. With `is_public` everybody may read the copies."""

    title = "S3"
    remote = ":s3:"

    def __init__(self, name: str, is_public: bool = False):
        self.is_public = is_public
        self.directory = DATA / f"seaweedfs-{name}"
        self.log = LOGS / f"seaweedfs-{name}.log"
        ports = free_ports(8)
        self.ports = {part: (ports.pop(), ports.pop()) for part in ("s3", "master", "volume", "filer")}
        self.access_key = "benchmark" + secrets.token_hex(4)
        self.secret_key = secrets.token_hex(20)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3'][0]}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes s5cmd and rclone (as `:s3:`) speak to this server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key, "AWS_REGION": REGION, "S3_ENDPOINT_URL": self.base,
            "RCLONE_S3_PROVIDER": "SeaweedFS", "RCLONE_S3_ENDPOINT": self.base, "RCLONE_S3_REGION": REGION,
            "RCLONE_S3_ACCESS_KEY_ID": self.access_key, "RCLONE_S3_SECRET_ACCESS_KEY": self.secret_key,
            # Spares rclone the question whether the bucket is there, which the others do not ask.
            "RCLONE_S3_NO_CHECK_BUCKET": "true",
        }

    def bucket_settings(self, bucket: str) -> str:
        """What the configuration of a mirror says about a bucket."""
        return (
            f"bucket: {bucket}, endpoint: \"{self.base}\", region: {REGION}, addressing: path, "
            f"credentials: {{accessKeyID: {self.access_key}, secretAccessKey: \"{self.secret_key}\"}}")

    def pool_settings(self) -> str:
        # Public where the bucket is: then a redirect's Location does not change with the time.
        return f"{{{self.bucket_settings(POOL_BUCKET)}, access: {'public' if self.is_public else 'presigned'}}}"

    def large_peers(self, url: str) -> dict[str, list]:
        return {
            "curl, s5cmd pipe": [
                "bash", "-c", 'set -o pipefail; curl --silent --show-error --fail "$1" | s5cmd pipe "$2"', "bash", url,
                f"s3://{POOL_BUCKET}/peer.bin"],
        }

    def small_peers(self, urls: str, downloads: Path) -> dict[str, list]:
        return {
            "curl -Z into files, s5cmd cp": [
                "bash", "-c",
                'set -e; curl --silent --show-error --fail --parallel --parallel-max 16 --output "$1/#1.bin" "$2"; '
                's5cmd --log error cp "$1/" "$3"',
                "bash", downloads, urls, f"s3://{POOL_BUCKET}/peer/"],
        }

    def __enter__(self) -> "SeaweedFS":
        self.directory.mkdir(parents=True)
        identities = self.directory / "s3.json"
        identities.write_text(json.dumps({"identities": [
            {"name": "benchmark", "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
             "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
            {"name": "anonymous", "actions": [f"Read:{POOL_BUCKET}"] if self.is_public else []},
        ]}), encoding="utf-8")
        volumes = self.directory / "volumes"
        volumes.mkdir()
        ports = [word for part, (http_port, grpc_port) in self.ports.items() for word in (f"-{part}.port={http_port}", f"-{part}.port.grpc={grpc_port}")]
        self.process = start(
            [
                os.environ["WEED_EXECUTABLE"], "server", f"-dir={volumes}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", *ports,
                "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={identities}", "-s3.autoCreateBucket=false", "-volume.max=1000",
                "-master.volumePreallocate=false", "-master.telemetry=false",
            ],
            self.log, environment={"TMPDIR": str(self.directory)})
        try:
            self._await()
            for bucket in (POOL_BUCKET, ORIGIN_BUCKET):
                self.s5cmd("mb", f"s3://{bucket}")
                # A bucket's first object makes its volumes, which is in nobody's figures then.
                self.s5cmd("cp", identities, f"s3://{bucket}/first")
                self.s5cmd("rm", f"s3://{bucket}/first")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        # Its data is thrown away, and being asked it takes half a minute to end.
        self.process.kill()
        self.process.wait(timeout=30)
        shutil.rmtree(self.directory, ignore_errors=True)
        # It keeps sockets in /tmp, whatever TMPDIR says, and leaves them there.
        for pair in self.ports.values():
            for port in pair:
                for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                    left.unlink(missing_ok=True)

    def s5cmd(self, *words) -> str:
        """What s5cmd prints; for what is not measured."""
        ran = subprocess.run(
            ["s5cmd", *(str(word) for word in words)], capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment})
        if ran.returncode != 0:
            raise RuntimeError(f"s5cmd {words[0]} ended with {ran.returncode}: {ran.stderr.strip()[:300]}, see {self.log}")
        return ran.stdout

    def sizes(self, bucket: str) -> list[int]:
        listing = subprocess.run(
            ["s5cmd", "--json", "ls", f"s3://{bucket}/*"], capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment})
        # An empty bucket is an error to s5cmd.
        if listing.returncode != 0 and "no object found" not in listing.stderr:
            raise RuntimeError(f"s5cmd ls ended with {listing.returncode}: {listing.stderr.strip()[:300]}")
        return sizes_in(listing.stdout)

    def empty(self, bucket: str) -> None:
        if self.sizes(bucket):
            self.s5cmd("rm", f"s3://{bucket}/*")

    def _await(self) -> None:
        """Returns when a request with a signature is answered. The S3 server begins last, when there are volumes to write to."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"SeaweedFS ended with {self.process.returncode} before it answered, see {self.log}")
            connection = http.client.HTTPConnection("127.0.0.1", self.ports["s3"][0], timeout=5)
            try:
                connection.request("GET", "/")
                if connection.getresponse().status == 403:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.1)
        raise TimeoutError(f"no answer from SeaweedFS within 60 s, see {self.log}")


def sizes_in(listing: str) -> list[int]:
    """The sizes in what `s5cmd --json ls` prints."""
    entries = [json.loads(line) for line in listing.splitlines()]
    return [entry.get("size", 0) for entry in entries if entry.get("type") == "file"]
