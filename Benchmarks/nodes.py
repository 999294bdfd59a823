"""Nodes that share a Redis and a bucket: front ends, and copiers."""

from redis_server import PREFIX, RedisServer
from s3_mirror import S3Mirror
from seaweedfs import SeaweedFS


class Node(S3Mirror):
    """`cloud-mirror serve` with copiers inside: its state is in Redis, or embedded where none is given."""

    arguments: tuple[str, ...] = ()

    def __init__(
        self, name: str, origin: str, server: SeaweedFS, redis: RedisServer | None = None, on_cores: list[int] | None = None,
        more: str = ""
    ):
        self.redis = redis
        self.more = more
        super().__init__(name, origin, server, on_cores)

    def sections(self) -> str:
        state = f'state: {{redis: {{url: "{self.redis.url}", prefix: {PREFIX}}}}}\n' if self.redis else ""
        return state + self.more

    def command(self) -> list:
        return [*super().command(), *self.arguments]


class FrontEnd(Node):
    """Answers requests, and leaves the copying to others."""

    arguments = ("--no-copiers",)


class Copier(Node):
    """Copies, and answers only for itself."""

    def command(self) -> list:
        return [
            self.executable, "copier", "--config", self.configuration, "--pools", self.pool, "--listen", f"127.0.0.1:{self.port}",
        ]
