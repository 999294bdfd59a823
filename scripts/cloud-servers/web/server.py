"""Listens on 127.0.0.1, on ports that the kernel chooses."""

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
    """One application, on a port without and one with TLS. Prints the ports, and serves until the process ends.

    DIRECTORY/tls.pem is the certificate, for localhost and 127.0.0.1.
    """
    _prepare()
    faults = Faults()
    plain, tls = _listen(), _listen()
    context = _certificate(directory)
    application.started(f"http://127.0.0.1:{plain.getsockname()[1]}", f"https://localhost:{tls.getsockname()[1]}")
    print(f"listening on {plain.getsockname()[1]}, over TLS on {tls.getsockname()[1]}", flush=True)
    threading.Thread(target=_accept, args=(tls, context, application, faults), daemon=True).start()
    _accept(plain, None, application, faults)


def serve_hosts(applications, started):
    """Applications by name, each on a port of its own without TLS. Calls `started` with the ports by name, prints them, and serves until the process ends."""
    _prepare()
    listeners = {name: _listen() for name in applications}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    started(ports)
    threads = [
        threading.Thread(target=_accept, args=(listener, None, applications[name], Faults()), daemon=True) for name, listener in listeners.items()
    ]
    for thread in threads:
        thread.start()
    print("listening on", *(f"{name}={port}" for name, port in ports.items()), flush=True)
    for thread in threads:
        thread.join()


def _prepare():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.setswitchinterval(0.001)


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
