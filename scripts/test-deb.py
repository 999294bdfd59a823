#!/usr/bin/env python3
"""Installs the Debian package in a clean system, starts the service as its unit says, and removes it again.

The system is a directory made by mmdebstrap, in namespaces of its own: mounts, processes, network. systemd does not run there, so the test plays its part
as far as the unit goes: it runs ExecStart as User, with the unit's environment, waits for READY=1, runs ExecReload, and ends it with KillSignal. It does not
test the sandbox of the unit, or that systemd enforces it. Needs root, unshare, mmdebstrap and an apt that can install.
usage: test-deb.py PACKAGE.deb
"""

import contextlib
import html
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASE = ROOT / ".build/deb-root"
CONFIGURATION = "etc/cloud-mirror/cloud-mirror.yaml"
LIMIT = 30


def run(*command: str, **options) -> str:
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"failed with {result.returncode}: {' '.join(command)}\n{result.stdout}{result.stderr}")
    return result.stdout


def expect(condition: bool, what: str) -> None:
    if not condition:
        sys.exit(f"error: {what}")
    print(f"    {what}")


# ---- Outside: the clean system


def make_base(package: Path) -> None:
    """A minimal Debian with what the package depends on, kept until the dependencies change."""
    depends = run("dpkg-deb", "--field", str(package), "Depends").strip()
    names = sorted({re.split(r"[ (|]", part.strip())[0] for part in depends.split(",")} | {"init-system-helpers"})
    stamp = BASE / "made-for"
    if stamp.exists() and stamp.read_text() == "\n".join(names):
        return
    shutil.rmtree(BASE, ignore_errors=True)
    BASE.parent.mkdir(parents=True, exist_ok=True)
    print(f"==> Making a clean system with {', '.join(names)}")
    sources = [str(path) for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))] if path.is_file()]
    options = [f"--aptopt={path}" for path in sorted(Path("/etc/apt/apt.conf.d").glob("*")) if re.search("proxy|https?::", path.read_text(), re.IGNORECASE)]
    codename = re.search(r"^VERSION_CODENAME=(.*)$", Path("/etc/os-release").read_text(), re.MULTILINE).group(1)
    run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(names)}", *options, codename, str(BASE), *sources)
    stamp.write_text("\n".join(names))


# ---- Inside


class Unit:
    def __init__(self, path: Path) -> None:
        lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
        self.pairs = [tuple(line.split("=", 1)) for line in lines]

    def __getitem__(self, key: str) -> str:
        return [value for name, value in self.pairs if name == key][-1]

    @property
    def environment(self) -> dict[str, str]:
        # %S is the directory of all states.
        words = [value.replace("%S", "/var/lib") for name, value in self.pairs if name == "Environment"]
        return dict(word.split("=", 1) for word in words)


@contextlib.contextmanager
def system():
    """A copy of the clean system that is thrown away, with what a running one has mounted."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        run("mount", "-t", "tmpfs", "tmpfs", name)
        for part in ("upper", "work", "root"):
            (top / part).mkdir()
        root = top / "root"
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={BASE},upperdir={top}/upper,workdir={top}/work", str(root))
        run("mount", "-t", "proc", "proc", str(root / "proc"))
        run("mount", "-t", "tmpfs", "tmpfs", str(root / "run"))
        for device in ("null", "urandom", "random", "zero"):
            (root / "dev" / device).touch()
            run("mount", "--bind", f"/dev/{device}", str(root / "dev" / device))
        try:
            yield root
        finally:
            run("umount", "--recursive", "--lazy", name)


def in_root(root: Path, *command: str) -> str:
    return run("chroot", str(root), *command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})


def listener(path: Path) -> socket.socket:
    """What the service manager listens at."""
    path.unlink(missing_ok=True)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(path))
    path.chmod(0o777)
    manager.settimeout(LIMIT)
    return manager


def answer(path: str, fields: dict[str, str] | None = None, form: dict[str, str] | None = None) -> tuple[int, dict, str]:
    """What the service answers to GET or, with a form, to POST."""

    class NoRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(NoRedirects, urllib.request.ProxyHandler({}))
    data = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(f"http://127.0.0.1:8080{path}", data, fields or {})
    try:
        with opener.open(request, timeout=LIMIT) as response:
            return response.status, dict(response.headers), response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def first_use(root: Path) -> None:
    """Goes from the page to a redirect that the dashboard shows, with nothing but what the pages say."""
    browser = {"Accept": "text/html"}
    status, _, page = answer("/", browser)
    expect(status == 200 and '<form action="v1/go" method="get">' in page and '<a href="dashboard">' in page, "the page has a form, and leads to the dashboard")
    login = answer("/dashboard/login", browser)[2]
    line = re.search(r"<pre [^>]*>sudo (sh -c [^<]*)</pre>", login)
    expect(line is not None, "the login says which line prints the token")
    token = in_root(root, *shlex.split(html.unescape(line.group(1)))).strip()
    status, headers, _ = answer("/dashboard/login", browser, {"token": token})
    expect(status == 303, "the token that it prints logs in")
    session = browser | {"Cookie": headers["Set-Cookie"].split(";")[0]}
    allowed = re.search(r"<code>origins\.named</code>\): (https://[^ ,<]+)", answer("/dashboard/replicas", session)[2])
    expect(allowed is not None, "the dashboard says what may be copied")
    url = urllib.parse.quote(f"{allowed.group(1)}debian/README", safe="")
    expect(answer(f"/v1/go?url={urllib.parse.quote('https://example.org/x', safe='')}", browser)[0] == 403, "the form says that something else is not")
    before = fallbacks(session)
    status, headers, _ = answer(f"/v1/go?url={url}", browser)
    expect(status == 302, "the form leads to the redirect")
    expect(answer(f"/v1/{headers['Location']}")[0] == 302, "which redirects")
    # Figures are made once a second.
    end = time.monotonic() + LIMIT
    while fallbacks(session) == before and time.monotonic() < end:
        time.sleep(0.2)
    expect(fallbacks(session) == before + 1, "and the dashboard shows it")


def fallbacks(session: dict[str, str]) -> int:
    """How many redirects to origins the dashboard shows."""
    counted = re.search(r'<th scope="row">fallback</th>.*?<td class="n">([0-9]+)</td></tr>', answer("/dashboard", session)[2])
    return int(counted.group(1)) if counted else -1


def service(root: Path) -> None:
    unit = Unit(root / "lib/systemd/system/cloud-mirror.service")
    expect(unit["Type"] == "notify", "the unit is Type=notify")
    manager = listener(root / "run/notify")
    environment = unit.environment | {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": "/run/notify"}
    user = ["setpriv", f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--init-groups", "--no-new-privs", "--"]
    with (root / "run/stderr").open("w+") as log:
        process = subprocess.Popen([shutil.which("chroot"), str(root), *user, *unit["ExecStart"].split()], env=environment, stderr=log, cwd="/")
        try:
            expect(manager.recv(4096) == b"READY=1", "it starts under its own account and says that it is ready")
            expect(answer("/healthz")[0] == 200, "it answers")
            expect(answer("/v1/redirect/local/dev/https%3A%2F%2Fexample.org%2Fx")[0] == 403, "it refuses what is not allowed")
            status, headers, _ = answer("/v1/redirect/local/dev/https%3A%2F%2Fdeb.debian.org%2Fdebian%2FREADME")
            expect(status == 302 and headers["Location"] == "https://deb.debian.org/debian/README", "without a network it redirects to the origin")
            stats = in_root(root, "cloud-mirror", "stats", "--json", "--state-dir", "/var/lib/cloud-mirror")
            expect("egressAvoidedBytes" in stats, "root's commands find its token")
            first_use(root)
            os.kill(process.pid, 1)
            expect(manager.recv(4096).startswith(b"RELOADING=1\n"), "SIGHUP reloads it")
            expect(manager.recv(4096) == b"READY=1", "and it is ready again")
            process.terminate()
            expect(manager.recv(4096) == b"STOPPING=1", "SIGTERM stops it")
            expect(process.wait(LIMIT) == 0, "and it ends with 0")
        except BaseException:
            log.seek(0)
            print(log.read(), file=sys.stderr)
            raise
        finally:
            process.kill()


def inside(package: Path) -> None:
    run("ip", "link", "set", "lo", "up")
    with system() as root:
        shutil.copy(package, root / "run/package.deb")
        in_root(root, "dpkg", "--install", "/run/package.deb")
        account = in_root(root, "getent", "passwd", "cloud-mirror").strip()
        expect(account.endswith(":/var/lib/cloud-mirror:/usr/sbin/nologin"), f"the account is there: {account}")
        listing = in_root(root, "stat", "--format=%a %U:%G", f"/{CONFIGURATION}", "/var/lib/cloud-mirror").split("\n")
        expect(listing[:2] == ["640 root:cloud-mirror", "700 cloud-mirror:cloud-mirror"], "the service can read its configuration, and only it its state")
        wanted = root / "etc/systemd/system/multi-user.target.wants"
        expect((wanted / "cloud-mirror.service").is_symlink(), "the service is enabled")
        expect(not (wanted / "cloud-mirror-copier.service").is_symlink(), "the copier is not")
        expect(in_root(root, "dpkg", "--verify", "cloud-mirror") == "", "all files are as they were packaged")
        in_root(root, "bash", "-n", "/usr/share/bash-completion/completions/cloud-mirror")
        service(root)
        with (root / CONFIGURATION).open("a") as file:
            file.write("# edited\n")
        in_root(root, "dpkg", "--force-confold", "--install", "/run/package.deb")
        expect((root / CONFIGURATION).read_text().endswith("# edited\n"), "an upgrade keeps the edited configuration")
        service(root)
        in_root(root, "dpkg", "--remove", "cloud-mirror")
        expect(not (root / "usr/bin/cloud-mirror").exists(), "removed, the program is gone")
        expect((root / CONFIGURATION).exists() and (root / "var/lib/cloud-mirror").exists(), "and its configuration and state are kept")
        in_root(root, "dpkg", "--purge", "cloud-mirror")
        left = [path for path in ("etc/cloud-mirror", "var/lib/cloud-mirror") if (root / path).exists()]
        expect(left == [] and not (wanted / "cloud-mirror.service").is_symlink(), "purged, they are gone, too")
    print("The package can be installed, started, upgraded, removed and purged. Not tested: the sandbox of the unit, for which systemd would have to run.")


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        inside(Path(sys.argv[2]))
        return 0
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    if shutil.which("mmdebstrap") is None:
        print("error: mmdebstrap is missing: apt-get install mmdebstrap", file=sys.stderr)
        return 1
    package = Path(sys.argv[1]).resolve()
    make_base(package)
    namespaces = ["unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation=private"]
    return subprocess.run([*namespaces, sys.executable, __file__, "--inside", str(package)]).returncode


if __name__ == "__main__":
    sys.exit(main())
