"""Listens on 127.0.0.1, on ports that the kernel chooses: one without and one with TLS."""

import os
import resource
import socket
import ssl
import subprocess
import sys
import threading

from .connection import Connection
from .faults import Faults


def serve(application, directory):
    """Prints the ports, and serves until the process ends. DIRECTORY/tls.pem is the certificate, for localhost and 127.0.0.1."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.setswitchinterval(0.001)
    faults = Faults()
    plain, tls = _listen(), _listen()
    context = _certificate(directory)
    application.started(f"http://127.0.0.1:{plain.getsockname()[1]}", f"https://localhost:{tls.getsockname()[1]}")
    print(f"listening on {plain.getsockname()[1]}, over TLS on {tls.getsockname()[1]}", flush=True)
    threading.Thread(target=_accept, args=(tls, context, application, faults), daemon=True).start()
    _accept(plain, None, application, faults)


def _listen():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    return sock


def _certificate(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "tls.key", "-out", "tls.pem"],
        cwd=directory, check=True, capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "tls.pem"), os.path.join(directory, "tls.key"))
    return context


def _accept(listener, context, application, faults):
    while True:
        sock, (peer, _) = listener.accept()
        threading.Thread(target=_connection, args=(sock, peer, context, application, faults), daemon=True).start()


def _connection(sock, peer, context, application, faults):
    with sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            Connection(sock, peer, application, faults, _log).run()
            return
        try:
            secure = context.wrap_socket(sock, server_side=True)
        except OSError as error:
            _log("-", "-", 0, f"no TLS: {error}")
            return
        with secure:
            Connection(secure, peer, application, faults, _log).run()


def _log(method, path, status, note):
    print(method, path, status, note, flush=True)
