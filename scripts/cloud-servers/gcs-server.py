"""A server for tests that refuses what Google Cloud Storage refuses. It simulates the token services, IAM and the metadata server, too.

usage: gcs-server.py DIRECTORY HMAC-ACCESS-KEY HMAC-SECRET-KEY
DIRECTORY must be new; objects are kept in it as files without names, so nothing is left of them when the process ends. It gets
service-account.json, whose token_uri is this server, and tls.pem, the certificate for localhost.
Prints "listening on PORT, over TLS on PORT" once both ports are open on 127.0.0.1. For /_control see web/faults.py and gcs/application.py.
"""

import os
import sys

from gcs.application import Application
from web.server import serve


def main(directory, hmac_access, hmac_secret):
    os.makedirs(directory)
    serve(Application(directory, hmac_access, hmac_secret), directory)


main(*sys.argv[1:])
