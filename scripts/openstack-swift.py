"""OpenStack Swift with its S3 interface, all in one process, for tests: a server that rejects much of what Amazon's accepts.

usage: openstack-swift.py DIRECTORY ACCESS-KEY SECRET-KEY
The directory must be new, on a file system with extended attributes. The access key has the form ACCOUNT:USER.
Prints "listening on PORT, over TLS on PORT" once both ports are open on 127.0.0.1. DIRECTORY/tls.pem is the certificate, for localhost.
"""

import logging
import os
import subprocess
import sys

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi  # noqa: E402
from swift.common import utils  # noqa: E402

PROXY = """
[DEFAULT]
swift_dir = {directory}
log_level = WARNING
[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers =
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:copy]
use = egg:swift#copy
"""


def main(directory, access, secret):
    account, user = access.split(":")
    os.makedirs(os.path.join(directory, "devices", "disk"))
    with open(os.path.join(directory, "swift.conf"), "w") as file:
        file.write("[swift-hash]\nswift_hash_path_suffix = tests\n")
    utils.SWIFT_CONF_FILE = file.name
    utils.HASH_PATH_SUFFIX = b"tests"
    start_storage(directory)
    with open(os.path.join(directory, "proxy.conf"), "w") as file:
        file.write(PROXY.format(directory=directory, account=account, user=user, secret=secret))
    # Imported after swift.conf is written, because these modules read it when they are loaded.
    from swift.common.wsgi import loadapp

    proxy = loadapp(file.name)
    plain, tls = listen(), listen()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost", "-keyout", "tls.key", "-out", "tls.pem"],
        cwd=directory, check=True, capture_output=True,
    )
    files = {"certfile": os.path.join(directory, "tls.pem"), "keyfile": os.path.join(directory, "tls.key")}
    print(f"listening on {plain.getsockname()[1]}, over TLS on {tls.getsockname()[1]}", flush=True)
    serve(proxy, eventlet.wrap_ssl(tls, server_side=True, **files))
    serve(proxy, plain).wait()


def start_storage(directory):
    """The servers for accounts, containers and objects, each with a ring of one device."""
    from swift.account.server import AccountController
    from swift.common.ring import RingBuilder
    from swift.container.server import ContainerController
    from swift.obj.server import ObjectController

    settings = {"devices": os.path.join(directory, "devices"), "swift_dir": directory, "mount_check": "false"}
    settings |= {"log_level": "WARNING", "fallocate_reserve": "0"}
    for name, controller in (("account", AccountController), ("container", ContainerController), ("object", ObjectController)):
        sock = listen()
        builder = RingBuilder(2, 1, 0)
        builder.add_dev(
            {"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": sock.getsockname()[1], "device": "disk", "weight": 1}
        )
        builder.rebalance()
        builder.get_ring().save(os.path.join(directory, f"{name}.ring.gz"))
        serve(controller(settings), sock)


def listen():
    return eventlet.listen(("127.0.0.1", 0), backlog=512)


def serve(application, sock):
    log = logging.getLogger("server")
    return eventlet.spawn(wsgi.server, sock, application, log, log_output=False, custom_pool=eventlet.GreenPool(1000))


main(*sys.argv[1:])
