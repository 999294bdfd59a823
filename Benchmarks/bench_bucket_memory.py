"""Resident memory with many large copies from an HTTP origin into a bucket under way at once."""

from bench_memory import copy_all
from bucket_server import POOL_BUCKET, room
from data import need, origin, random_file
from services import Service
from settings import MIB, Settings
from table import Row


def run(settings: Settings, service: Service) -> list[Row]:
    size, name = settings.large, f"{service.name}-memory"
    need(size + room(settings.copies, size))
    random_file(size)
    with origin(f"{name}-origin") as web, service.server(name) as server, service.mirror(name, web.base, server) as mirror:
        urls = [f"{web.base}/copy-{number}/{size}.bin" for number in range(settings.copies)]
        peak, seconds = copy_all(mirror, urls, size)
        server.expect(POOL_BUCKET, size, settings.copies, "cloud-mirror")
    total = size * settings.copies / MIB
    return [Row(
        name,
        f"MiB resident at the peak, {settings.copies} copies of {size // MIB:,} MiB into {server.title} at once "
        f"({total / seconds:,.0f} MiB/s in all)",
        peak, budget="under 128 MiB", met=peak < 128)]
