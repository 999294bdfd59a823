"""A large object downloaded from a local pool, against nginx with sendfile."""

import statistics

from data import need, origin, random_file
from mirror import Mirror
from nginx import Nginx
from process import cpu_seconds, measure, memory
from settings import DATA, LOGS, MIB, Settings, cores, say
from table import Row, spread


def run(settings: Settings) -> list[Row]:
    size = settings.large
    need(size * 2)
    random_file(size)
    server_cores, client_cores = cores()
    seen = {"cloud-mirror": [], "nginx": []}
    with (
        origin("serve-origin") as server,
        Mirror("serve", server.base, server_cores) as mirror,
        Nginx("static", f"root {DATA / 'origin'};", on_cores=server_cores) as peer,
    ):
        location, _ = mirror.copied(f"{server.base}/serve/{size}.bin")
        for number in range(settings.serve_rounds + 1):
            for name, process, url in (("cloud-mirror", mirror, location), ("nginx", peer, f"{peer.base}/{size}.bin")):
                before = cpu_seconds(process.pid)
                ran = measure(
                    ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null", "--write-out", "%{size_download} %{time_total}", url],
                    LOGS / "curl-serve.log", on_cores=client_cores)
                received, seconds = ran.output.split()
                if int(received) != size:
                    raise RuntimeError(f"{name} sent {received} bytes of {size}")
                if number > 0:
                    seen[name].append((size / MIB / float(seconds), cpu_seconds(process.pid) - before))
        resident = memory(mirror.pid)["VmHWM"], memory(peer.pid)["VmHWM"]

    def both(index: int) -> tuple[float, float]:
        return tuple(statistics.median(run[index] for run in seen[name]) for name in ("cloud-mirror", "nginx"))

    ours, theirs = both(0)
    say(f"  {ours:,.0f} against {theirs:,.0f} MiB/s")
    return [Row(
        "serve", f"MiB/s, {size // MIB:,} MiB to curl, one core", ours, "nginx, sendfile", theirs, cpu=both(1), cpu_unit="s", memory=resident,
        spread=tuple(spread([run[0] for run in seen[name]]) for name in ("cloud-mirror", "nginx")))]
