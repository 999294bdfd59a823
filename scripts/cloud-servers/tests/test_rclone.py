"""rclone, which is written in Go and shares nothing with the other clients."""

import os
import random
import subprocess
import unittest

from . import support

MIB = 1 << 20


class RcloneTests(unittest.TestCase):
    def run_rclone(self, settings, place, *options):
        """Copies files there, compares them, copies them within the service, and removes all of it."""
        server, kind = settings.pop("server"), settings["type"]
        folder = os.path.join(server.root, "rclone", kind.replace(" ", "-"))
        source = os.path.join(folder, "source")
        os.makedirs(os.path.join(source, "a b"))
        for name, size in (("a b/ü+%", 0), ("small", 1000), ("large", 20 * MIB + 3)):
            with open(os.path.join(source, name), "wb") as file:
                file.write(random.Random(size).randbytes(size))
        config = os.path.join(folder, "rclone.conf")
        with open(config, "w") as file:
            file.write("[cloud]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))

        def rclone(*arguments):
            command = [support.rclone(), "--config", config, "--retries", "1", *options, *arguments]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        rclone("mkdir", f"cloud:{place}")
        rclone("copy", source, f"cloud:{place}/one")
        self.assertEqual(rclone("size", f"cloud:{place}").split()[2], "3")
        rclone("check", "--download", source, f"cloud:{place}/one")
        rclone("copy", f"cloud:{place}/one", f"cloud:{place}/two")
        rclone("check", source, f"cloud:{place}/two")
        rclone("purge", f"cloud:{place}")

    def test_google(self):
        server = support.gcs()
        key_file = os.path.join(server.directory, "service-account.json")
        settings = {"type": "google cloud storage", "service_account_file": key_file, "endpoint": f"{server.url}/storage/v1/"}
        settings |= {"project_number": "cloud-mirror-tests", "chunk_size": "1Mi", "server": server}
        self.run_rclone(settings, support.name("rclone"))

    def test_azure(self):
        server, (account, key) = support.azure(), support.azure_key()
        settings = {"type": "azureblob", "account": account, "key": key, "endpoint": f"{server.url}/{account}", "chunk_size": "4Mi", "server": server}
        self.run_rclone(settings, support.name("rclone"), "--azureblob-upload-concurrency", "4")
