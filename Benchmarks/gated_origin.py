"""An origin that answers only when it is told to."""

import http.server
import threading
import time


class GatedOrigin:
    """Sends the same body for every path, once the gate was opened for it, as a context manager."""

    def __init__(self, body: bytes):
        self.body = body
        # When the last byte of each answer to a GET was handed to the system, by path.
        self.answered: dict[str, list[float]] = {}
        self._asked = threading.Condition()
        self._counts: dict[str, int] = {}
        self._gates: dict[str, threading.Event] = {}
        self._is_closing = threading.Event()
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                origin._wait(self.path)
                self._head()
                self.wfile.write(origin.body)
                origin.answered.setdefault(self.path, []).append(time.monotonic())

            def do_HEAD(self) -> None:
                self._head()

            def _head(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(origin.body)))
                self.send_header("Content-Type", "application/octet-stream")
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def await_request(self, path: str, patience: float = 60) -> None:
        """Returns when somebody asked for it."""
        with self._asked:
            if not self._asked.wait_for(lambda: self._counts.get(path, 0) > 0, patience):
                raise TimeoutError(f"nobody asked the origin for {path} within {patience:.0f} s")

    def open(self, path: str) -> None:
        """Answers whoever asks for this, and who did."""
        self._gate(path).set()

    def requests(self, path: str) -> int:
        """GETs for it so far."""
        with self._asked:
            return self._counts.get(path, 0)

    def _wait(self, path: str) -> None:
        with self._asked:
            self._counts[path] = self._counts.get(path, 0) + 1
            self._asked.notify_all()
        gate = self._gate(path)
        while not gate.wait(0.5) and not self._is_closing.is_set():
            pass

    def _gate(self, path: str) -> threading.Event:
        with self._asked:
            return self._gates.setdefault(path, threading.Event())

    def __enter__(self) -> "GatedOrigin":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._is_closing.set()
        self.server.shutdown()
        self.server.server_close()
