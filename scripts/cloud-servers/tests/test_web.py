"""What both servers have of HTTP."""

import socket
import ssl
from urllib.parse import urlsplit

from . import support


class ConnectionTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.gcs()

    def send(self, text, url=None):
        """The first line of the answer to what is sent as it is, and all of it."""
        parts = urlsplit(url or self.server.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as sock:
            if parts.scheme == "https":
                context = ssl.create_default_context(cafile=self.server.certificate)
                sock = context.wrap_socket(sock, server_hostname=parts.hostname)
            sock.sendall(text)
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
        return int(answer.split(b" ", 2)[1]), answer

    def test_what_is_no_request(self):
        for text in (
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET x HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        ):
            with self.subTest(text):
                self.assertEqual(self.send(text)[0], 400)

    def test_keep_alive_and_tls(self):
        one, last = b"GET /nowhere/a HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /nowhere/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        for url in (self.server.url, self.server.tls_url):
            self.assertEqual(self.send(one + one + last, url)[1].count(b"HTTP/1.1 404 "), 3)

    def test_the_body_of_a_request_that_is_refused(self):
        """The answer arrives, however much of the body was not read."""
        head = b"PUT /nowhere/a HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n"
        status, answer = self.send(head + b"\r\n" + bytes(50_000_000))
        self.assertEqual((status, answer.count(b"Connection: close")), (404, 1))
        # Somebody who waits for "100 Continue" gets the answer in its place.
        self.assertEqual(self.send(head + b"Expect: 100-continue\r\n\r\n")[0], 404)

    def test_a_body_in_chunks(self):
        head = b"POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
        status, answer = self.send(head + b"b\r\ngrant_type=\r\n1\r\nx\r\n0\r\n\r\n")
        self.assertIn(b"Invalid grant_type: x", answer)
        self.assertEqual(self.send(head + b"z\r\n")[0], 400)
