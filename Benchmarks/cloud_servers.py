"""The servers of scripts/cloud-servers, which play Google Cloud Storage and Azure Blob Storage: they check what the services check, in Python."""

import base64
import os
import re
import secrets
import subprocess

from bucket_server import ORIGIN_BUCKET, POOL_BUCKET, BucketServer
from scripted_server import ScriptedServer


class PlayedCloud(ScriptedServer, BucketServer):
    """One such server. Nothing but rclone is there for all of them, so rclone also looks after the buckets."""

    def __init__(self, name: str):
        super().__init__(f"cloud-{name}")
        self.base = ""

    def remote_settings(self) -> dict[str, str]:
        """How rclone reaches the server."""
        raise NotImplementedError

    def prepare(self) -> None:
        self.base = f"http://127.0.0.1:{self.listening(port_in)}"
        for bucket in (POOL_BUCKET, ORIGIN_BUCKET):
            self.rclone("mkdir", f"{self.remote}{bucket}")

    def rclone(self, *words) -> str:
        """What rclone prints; for what is not measured."""
        command = ["rclone", "--config", "", "--checkers", "16", *words]
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL, env={**os.environ, **self.remote_settings()})
        if ran.returncode != 0:
            raise RuntimeError(f"rclone {words[0]} ended with {ran.returncode}: {ran.stderr.strip()[-300:]}, see {self.log}")
        return ran.stdout

    def sizes(self, bucket: str) -> list[int]:
        return [int(line) for line in self.rclone("lsf", "--recursive", "--files-only", "--format", "s", f"{self.remote}{bucket}").split()]

    def empty(self, bucket: str) -> None:
        self.rclone("delete", f"{self.remote}{bucket}")


def port_in(log: str) -> str | None:
    """The port without TLS that a server says in its log."""
    found = re.search(r"^listening on (\d+), ", log, re.MULTILINE)
    return found.group(1) if found else None


class GCSServer(PlayedCloud):
    title = "Cloud Storage"
    remote = ":gcs:"
    takes_streams = False
    script = "gcs-server.py"

    def arguments(self) -> list[str]:
        return ["GOOG1E" + secrets.token_hex(28).upper(), secrets.token_urlsafe(30)]

    def remote_settings(self) -> dict[str, str]:
        return {
            "RCLONE_GCS_SERVICE_ACCOUNT_FILE": str(self._key_file), "RCLONE_GCS_ENDPOINT": f"{self.base}/storage/v1/",
            "RCLONE_GCS_PROJECT_NUMBER": "cloud-mirror-tests",
        }

    @property
    def environment(self) -> dict[str, str]:
        return self.remote_settings() | {"RCLONE_GCS_NO_CHECK_BUCKET": "true"}

    @property
    def _key_file(self):
        return self.directory / "service-account.json"

    def pool_settings(self) -> str:
        return f'{{bucket: {POOL_BUCKET}, endpoint: "{self.base}", credentials: {{file: "{self._key_file}"}}, access: presigned}}'


class AzureServer(PlayedCloud):
    title = "Azure"
    remote = ":azureblob:"
    script = "azure-server.py"

    def __init__(self, name: str):
        super().__init__(name)
        self.account = "benchmark" + secrets.token_hex(4)
        self.key = base64.b64encode(secrets.token_bytes(64)).decode()

    def arguments(self) -> list[str]:
        return [self.account, self.key]

    def remote_settings(self) -> dict[str, str]:
        return {
            "RCLONE_AZUREBLOB_ACCOUNT": self.account, "RCLONE_AZUREBLOB_KEY": self.key, "RCLONE_AZUREBLOB_ENDPOINT": self._endpoint,
        }

    @property
    def environment(self) -> dict[str, str]:
        return self.remote_settings() | {"RCLONE_AZUREBLOB_NO_CHECK_CONTAINER": "true"}

    @property
    def _endpoint(self) -> str:
        return f"{self.base}/{self.account}"

    def pool_settings(self) -> str:
        # What the service fetches by itself costs the mirror nothing, and would say nothing of it.
        return (
            f'{{account: {self.account}, container: {POOL_BUCKET}, endpoint: "{self._endpoint}", '
            f'credentials: {{accountKey: "{self.key}"}}, access: presigned, serverSideFetch: false}}')
