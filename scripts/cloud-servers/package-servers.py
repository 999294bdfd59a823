"""Registries and package repositories for tests, one host each, that behave like the public ones.

usage: package-servers.py DIRECTORY
DIRECTORY must be new and have a short path. Prints "listening on NAME=PORT …" once all ports are open on 127.0.0.1; the names are those of
packages/world.py. /_control of each host counts what was asked and fails on request, as web/faults.py says, and changes what is published, as the modules
in packages/ say.
"""

import os
import sys

from packages.world import World
from web.server import serve_hosts


def main(directory):
    os.makedirs(directory)
    world = World(directory)
    serve_hosts(world.hosts, world.started)


main(*sys.argv[1:])
