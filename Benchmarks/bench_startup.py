"""From exec to the first answered request, against nginx."""

import http.client
import statistics
import time

from data import origin
from mirror import Mirror
from nginx import Nginx
from process import stop
from settings import Settings, say
from table import Row, spread


def run(settings: Settings) -> list[Row]:
    mirror = Mirror("startup", origin("startup-origin").base)  # The origin's address only; nobody asks it for anything.
    peer = Nginx("startup", 'location / { return 200 "ok"; }')
    ours, theirs = [], []
    for number in range(settings.startups + 1):
        for server, figures in ((mirror, ours), (peer, theirs)):
            took = first_answer(server)
            if number > 0:  # The first of ours makes the state.
                figures.append(took)
    median, worst = statistics.median(ours), max(ours)
    say(f"  {median:.0f} ms (worst {worst:.0f}) against {statistics.median(theirs):.0f} ms")
    return [Row(
        "startup", f"ms from exec to the first answer, {settings.startups} starts", median, "nginx", statistics.median(theirs),
        higher_is_better=False, p99=(worst, max(theirs)), spread=(spread(ours), spread(theirs)), budget="under 200 ms", met=median < 200)]


def first_answer(server) -> float:
    """Starts a server. Returns the milliseconds until /healthz is answered with 200, and stops it."""
    started = time.perf_counter()
    server.launch()
    try:
        while time.perf_counter() < started + 30:
            if server.process.poll() is not None:
                raise RuntimeError(f"the server ended with {server.process.returncode} before it answered")
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
            try:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return (time.perf_counter() - started) * 1000
            except OSError:
                time.sleep(0.0005)
            finally:
                connection.close()
        raise TimeoutError("no answer within 30 s")
    finally:
        stop(server.process)
