"""`pip install` and `uv pip install` of a project with its dependencies: cold, with an empty cache, and warm, from another fresh account."""

import os
import shutil
import statistics
from collections.abc import Iterator

from package_servers import DISTANCE, PackageServers
from process import Ran, cpu_seconds, measure, memory
from python_caches import CACHES, OurCache
from settings import DATA, LOGS, Settings, say
from table import Row, spread

CLIENTS = {
    "pip": ["pip", "install", "--quiet", "--disable-pip-version-check", "--target", "site", "--index-url"],
    "uv": ["uv", "pip", "install", "--quiet", "--no-python-downloads", "--target", "site", "--default-index"],
}


def run(settings: Settings) -> list[Row]:
    seen: dict[tuple[str, str, str], list[tuple[Ran, float, float]]] = {}
    with PackageServers("install", settings.wheels) as servers:
        for number in range(settings.rounds):
            for client in CLIENTS:
                # Another one is the first in each round: who comes first meets colder caches of the system.
                for cache in CACHES[number % len(CACHES):] + CACHES[:number % len(CACHES)]:
                    with cache(f"install-{client}-{number}", servers) as server:
                        for what in ("cold", "warm"):
                            before, asked = cpu_seconds(server.pid), servers.asked()
                            ran = _install(client, server.index, settings.wheels)
                            used = cpu_seconds(server.pid) - before
                            if cache is OurCache and what == "warm" and servers.asked() != asked:
                                raise RuntimeError("the warm install asked the origin for a file")
                            seen.setdefault((client, what, cache.title), []).append((ran, used, memory(server.pid)["VmHWM"]))
    return list(_rows(seen, settings))


def _install(client: str, index: str, projects: int) -> Ran:
    """From an account with an empty home directory and environment."""
    home = DATA / "install-home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    command = [*CLIENTS[client], index, "app"]
    path = f"{os.environ['CLIENTS_FOLDER']}:{os.environ['PATH']}"
    ran = measure(["env", "-i", "-C", home, f"PATH={path}", f"HOME={home}", *command], LOGS / f"install-{client}.log")
    installed = len(list((home / "site").glob("needed_*/data.bin")))
    shutil.rmtree(home)
    if installed != projects:
        raise RuntimeError(f"{client} installed {installed} of {projects} projects")
    return ran


def _rows(seen: dict, settings: Settings) -> Iterator[Row]:
    for client in CLIENTS:
        for what in ("cold", "warm"):
            ours = seen[client, what, OurCache.title]
            seconds = statistics.median(ran.seconds for ran, _, _ in ours)
            for cache in CACHES[1:]:
                theirs = seen[client, what, cache.title]
                figure = statistics.median(ran.seconds for ran, _, _ in theirs)
                say(f"  {client}, {what}: {seconds:.2f} s, {cache.title}: {figure:.2f} s")
                is_peer = cache.title != "none"
                yield Row(
                    "python-install", f"s, {client}, {what}: {settings.wheels + 1} projects, origin {DISTANCE * 1000:.0f} ms away", seconds, cache.title, figure,
                    higher_is_better=False,
                    cpu=(statistics.median(used for _, used, _ in ours), statistics.median(used for _, used, _ in theirs) if is_peer else None),
                    cpu_unit="s", spread=(spread([ran.seconds for ran, _, _ in ours]), spread([ran.seconds for ran, _, _ in theirs])),
                    memory=(max(peak for _, _, peak in ours), max(peak for _, _, peak in theirs) if is_peer else None),
                    budget="at least peryx" if cache.title == "peryx" else "", met=seconds <= figure if cache.title == "peryx" else None)
