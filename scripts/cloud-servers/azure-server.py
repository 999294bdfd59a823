"""A server for tests that refuses what Azure Blob Storage refuses. It simulates Entra ID and the identity endpoints of machines, too.

usage: azure-server.py DIRECTORY ACCOUNT KEY
DIRECTORY must be new; blobs are kept in it as files without names, so nothing is left of them when the process ends. It gets tls.pem, the
certificate for localhost. The key is in base64. The account is at http://127.0.0.1:PORT/ACCOUNT.
Prints "listening on PORT, over TLS on PORT" once both ports are open on 127.0.0.1. For /_control see web/faults.py and azureblob/application.py.
"""

import os
import sys

from azureblob.application import Application
from web.server import serve


def main(directory, account, key):
    os.makedirs(directory)
    serve(Application(directory, account, key), directory)


main(*sys.argv[1:])
