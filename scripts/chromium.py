"""Drives a Chromium without a window over the DevTools protocol, with nothing but Python's standard library.

For the tests of the pages (scripts/check-pages.py). Messages are JSON, each ended by a NUL, on two pipes (`--remote-debugging-pipe`), so no WebSocket and no port is needed.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from pathlib import Path

FLAGS = [
    "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-sync", "--mute-audio",
    # Only this machine can be reached, by its address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# Seconds that one answer may take.
PATIENCE = 30


class Failed(Exception):
    """A page is not what it should be, or the browser does not do what it is told."""


class Browser:
    """A browser with a profile of its own. To be used in a `with` statement, which ends it."""

    def __init__(self, executable: str = "chromium"):
        path = shutil.which(executable)
        if path is None:
            raise Failed(f"there is no {executable}; scripts/setup.sh installs it")
        self._folder = Path(tempfile.mkdtemp(prefix="chromium-"))
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self._folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        # High numbers, so that none of them is 3 or 4 itself.
        commands, self._output = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in os.pipe())
        self._input, answers = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in os.pipe())
        nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(self._folder / "log", os.O_WRONLY | os.O_CREAT, 0o600)
        self._process = os.posix_spawn(
            path, [path, *FLAGS, f"--user-data-dir={self._folder}/profile", "about:blank"], environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2), (os.POSIX_SPAWN_DUP2, commands, 3),
                (os.POSIX_SPAWN_DUP2, answers, 4),
            ],
            setpgroup=0)
        for end in (commands, answers, nothing, log):
            os.close(end)
        self._bytes = b""
        self._number = 0
        self._answers: dict[int, dict] = {}
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            os.killpg(self._process, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self._process, 0)
        os.close(self._input)
        os.close(self._output)
        shutil.rmtree(self._folder, ignore_errors=True)

    def page(self) -> "Page":
        """A new page, with cookies that it shares with no other."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._pages[session] = Page(self, session)
        return self._pages[session]

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict:
        self._number += 1
        number = self._number
        message: dict = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._output, json.dumps(message).encode() + b"\0")
        if not self.wait(lambda: number in self._answers, PATIENCE):
            raise Failed(f"the browser does not answer {method}; its log:\n{(self._folder / 'log').read_text(errors='replace')[-2000:]}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']}")
        return answer["result"]

    def wait(self, is_done, seconds: float) -> bool:
        """Takes in what the browser says until something is done. Returns whether it was."""
        end = time.monotonic() + seconds
        while not is_done():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if not select.select([self._input], [], [], left)[0]:
                continue
            data = os.read(self._input, 1 << 16)
            if not data:
                raise Failed(f"the browser has ended; its log:\n{(self._folder / 'log').read_text(errors='replace')[-2000:]}")
            *messages, self._bytes = (self._bytes + data).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._answers[message["id"]] = message
                elif message.get("sessionId") in self._pages:
                    self._pages[message["sessionId"]].note(message["method"], message["params"])
        return True


class Page:
    """A page, with what it has asked for and complained about since it was opened."""

    def __init__(self, browser: Browser, session: str):
        self._browser = browser
        self._session = session
        self._loads = 0
        # The addresses of all requests.
        self.requests: list[str] = []
        # What the console shows as an error, and what no script has caught.
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict:
        return self._browser.call(method, self._session, **parameters)

    def note(self, event: str, what: dict) -> None:
        if event == "Page.loadEventFired":
            self._loads += 1
        elif event == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif event == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{what['entry']['text']} {what['entry'].get('url', '')}".strip())
        elif event == "Runtime.exceptionThrown":
            details = what["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and what["type"] in ("error", "assert", "warning"):
            self.errors.append(" ".join(str(argument.get("value", argument.get("description"))) for argument in what["args"]))

    # ---- Settings

    def look(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """The size of the window in CSS pixels, and the colours that its user prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}, {"name": "prefers-reduced-motion", "value": "reduce"}])

    def use_scripts(self, are_used: bool) -> None:
        """Whether the page's own scripts run; :meth:`value` always works."""
        self.call("Emulation.setScriptExecutionDisabled", value=not are_used)

    # ---- Going somewhere

    def loading(self, act) -> None:
        """Does something that leads to another page, and waits until that is loaded."""
        before = self._loads
        act()
        if not self._browser.wait(lambda: self._loads > before, PATIENCE):
            raise Failed(f"no page is loaded; at {self.value('location.href')}")

    def go(self, url: str) -> None:
        def navigate() -> None:
            error = self.call("Page.navigate", url=url).get("errorText")
            if error:
                raise Failed(f"{url}: {error}")

        self.loading(navigate)

    # ---- Looking

    def value(self, expression: str) -> object:
        """What an expression in JavaScript gives on this page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Failed(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        text = self.value(f"document.querySelector({json.dumps(selector)})?.textContent")
        if text is None:
            raise Failed(f"nothing matches {selector} at {self.value('location.href')}")
        return str(text).strip()

    def until(self, expression: str, what: str, seconds: float = PATIENCE) -> object:
        """Waits until an expression gives something that is true, and returns that."""
        end = time.monotonic() + seconds
        while True:
            value = self.value(expression)
            if value:
                return value
            if time.monotonic() > end:
                raise Failed(f"not within {seconds} seconds: {what}")
            self._browser.wait(lambda: False, 0.05)

    def screenshot(self, file: Path) -> None:
        """The whole page, however long it is."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(data))

    # ---- Doing

    def fill(self, selector: str, text: str) -> None:
        """Types a text into a field, in place of what is there."""
        self.focus(selector)
        self.value(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", text=text)

    def focus(self, selector: str) -> None:
        if not self.value(f"(e => {{ e?.focus(); return document.activeElement === e && !!e; }})(document.querySelector({json.dumps(selector)}))"):
            raise Failed(f"{selector} takes no focus at {self.value('location.href')}")

    def press(self, key: str) -> None:
        """Presses `Enter` or `Tab`."""
        code = {"Enter": 13, "Tab": 9}[key]
        more = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **(more if kind == "keyDown" else {}))

    def click(self, selector: str) -> None:
        """Clicks in the middle of an element."""
        place = self.value(
            f"(e => {{ if (!e) return null; e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2]; }})(document.querySelector({json.dumps(selector)}))")
        if not place:
            raise Failed(f"nothing matches {selector} at {self.value('location.href')}")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
