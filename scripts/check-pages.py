#!/usr/bin/env python3
"""Uses the pages of a running mirror as a person does, in Chromium, and fails if anything is not as it should be: a page that does not render, figures that do not move, an error in
the console, a request to another host, something that is cut off.

The artifact must not be in the mirror yet, and take some seconds to copy into its only pool. The token is read from standard input.
usage: check-pages.py URL ARTIFACT FOLDER [--quick]      FOLDER: where the screenshots go; --quick: takes none
"""

import sys
import urllib.parse
from pathlib import Path
from urllib.request import HTTPRedirectHandler, build_opener

sys.dont_write_bytecode = True
from chromium import Browser, Failed, Page  # noqa: E402

LOOKS = {"light": (1280, False), "dark": (1280, True), "narrow": (390, False)}
# The page, or a table that its reader would have to scroll.
TOO_WIDE = (
    "document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll('.table')].some(e => e.scrollWidth > e.clientWidth + 1)"
)
# The narrowest window that a page has to fit into (WCAG 2.2, 1.4.10), in CSS pixels.
REFLOW = 320
# Texts whose colour is too close to what is behind them (WCAG 2.2, 1.4.3), as the browser draws them.
FAINT = """
(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => channels(color).slice(0, 3)
    .map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const back = (e) => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.nodeValue.trim() || !e.checkVisibility()) continue;
    const [low, high] = [luminance(getComputedStyle(e).color), luminance(back(e))].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) < 4.5) faint.push(texts.currentNode.nodeValue.trim());
  }
  return faint;
})()
"""


def expect(is_so: object, what: str) -> None:
    if not is_so:
        raise Failed(what)


class Check:
    def __init__(self, url: str, artifact: str, token: str, folder: Path | None):
        self.url = url
        self.artifact = artifact
        self.token = token
        self.folder = folder
        self.shots: list[str] = []

    def show(self, page: Page, name: str) -> None:
        """Looks at a page in each way, and keeps what it looks like."""
        for word, (width, dark) in LOOKS.items():
            page.look(width, 900, dark)
            expect(not page.value(TOO_WIDE), f"{name}, {word}: wider than its place")
            faint = page.value(FAINT)
            expect(not faint, f"{name}, {word}: texts that are hard to read: {faint}")
            if self.folder:
                page.screenshot(self.folder / f"{name}-{word}.png")
                self.shots.append(f"{name}-{word}.png")
        page.look(REFLOW, 900)
        expect(not page.value(TOO_WIDE), f"{name}: wider than {REFLOW} pixels")
        page.look()

    def quiet(self, page: Page, where: str) -> None:
        expect(not page.errors, f"{where}: the console has {page.errors}")
        own = f"{self.url}/"
        foreign = [url for url in page.requests if not url.startswith((own, "data:", "about:"))]
        expect(not foreign, f"{where}: requests to elsewhere: {foreign}")

    # ---- What a person does

    def keyboard(self, page: Page) -> None:
        """Goes through the page with the keyboard alone, and sees where it is."""
        page.go(f"{self.url}/")
        reached: list[str] = []
        count = page.value("[...document.querySelectorAll('a, button, input, select, [tabindex=\"0\"]')].filter(e => e.checkVisibility()).length")
        for _ in range(int(str(count))):
            page.press("Tab")
            reached.append(str(page.value("(e => e.id || e.className || e.textContent.trim())(document.activeElement)")))
            outline = page.value("getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth")
            expect(outline == "solid3px", f"the focus cannot be seen on {reached[-1]}: {outline}")
            if len(reached) == 1:
                expect(page.value("document.activeElement.getBoundingClientRect().left >= 0"), "the link that skips to the content is not shown")
        expect(reached[0] == "skip" and {"url", "pool"} <= set(reached), f"the keyboard reaches {reached}")

    def home(self, page: Page) -> None:
        page.go(f"{self.url}/")
        expect("Download a file" in page.text("h1"), "the heading of /")
        page.fill("#url", self.artifact)
        page.loading(lambda: page.click("button[name=show]"))
        link = page.text("pre.wrap a")
        expect(link == f"{self.url}/v1/redirect/{urllib.parse.quote(self.artifact, safe='')}", f"the link is {link}")
        self.show(page, "home")
        page.fill("#url", "nonsense")
        page.errors.clear()
        page.loading(lambda: page.click("button[name=show]"))
        expect("not the URL of a file" in page.text("#problem"), "what is wrong with the URL")
        page.fill("#url", "https://elsewhere.example/a.txt")
        page.errors.clear()
        page.loading(lambda: page.click("form button:not([name])"))
        expect("matches no rule" in page.text("#problem"), "that the URL is not allowed")
        # The browser reports a page with status 400 or 403 like that.
        page.errors.clear()

    def log_in(self, page: Page) -> None:
        page.go(f"{self.url}/dashboard")
        expect(page.value("location.pathname").endswith("/dashboard/login"), "no login at /dashboard")
        self.show(page, "login")
        page.fill("#token", "not-the-token")
        page.loading(lambda: page.press("Enter"))
        expect("not an admin token" in page.text("#problem"), "a wrong token is not refused")
        page.errors.clear()
        page.fill("#token", self.token)
        page.loading(lambda: page.press("Enter"))
        expect(page.text("h1") == "Dashboard", "the token opens nothing")
        expect(page.value("document.cookie") == "", "a script can read the cookie")

    def watch(self, page: Page) -> None:
        page.until("document.getElementById('live').dataset.state === 'live'", "the figures are live")
        before = page.text("[data-figure=copied]")
        self.request()
        page.until("document.querySelector('#doing progress')?.value > 0", "a copy shows its progress")
        first = page.value("document.querySelector('#doing progress').value")
        page.until(f"document.querySelector('#doing progress')?.value > {first}", "the progress of the copy moves")
        self.show(page, "dashboard")
        page.until("document.querySelector('[data-figure=running]').textContent === '0'", "the copy ends")
        page.until(f"document.querySelector('[data-figure=copied]').textContent !== {before!r}", "the bytes copied move")
        page.click(".live button")
        expect(page.value("document.getElementById('live').dataset.state") == "paused", "the figures cannot be paused")

    def request(self) -> None:
        """Causes a copy, as a client that does not wait for it."""

        class NoRedirects(HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                return None

        try:
            build_opener(NoRedirects).open(f"{self.url}/v1/redirect/{urllib.parse.quote(self.artifact, safe='')}?pool=local%2Fdev&wait=1", timeout=30)
        except OSError as error:
            expect(getattr(error, "code", None) == 302, f"the request that causes the copy: {error}")

    def purge(self, page: Page) -> None:
        page.loading(lambda: page.click("nav a[href$='replicas']"))
        page.fill("#url", self.artifact)
        page.loading(lambda: page.press("Enter"))
        expect("present" in page.text("main table"), "the replica is not found")
        self.show(page, "replicas")
        page.loading(lambda: page.click("button.danger"))
        expect("was present" in page.text(".results"), "the replica is not purged")
        expect("absent" in page.text("main table"), "the replica is still there")

    def without_scripts(self, page: Page) -> None:
        page.use_scripts(False)
        self.log_in_plainly(page)
        expect(page.value("document.querySelectorAll('main section').length") == 5, "the five rows")
        expect("load the page again" in page.text("noscript"), "how to get newer figures")
        page.loading(lambda: page.click("nav a[href$='replicas']"))
        page.fill("#urls", self.artifact)
        page.loading(lambda: page.click("form[action=warm] button"))
        expect("pending" in page.text(".results"), "no copy is queued")
        page.loading(lambda: page.click("header form button"))
        expect(page.text("h1") == "Log in", "no logout")
        page.go(f"{self.url}/dashboard")
        expect(page.text("h1") == "Log in", "the session is not over")

    def log_in_plainly(self, page: Page) -> None:
        page.go(f"{self.url}/dashboard")
        page.fill("#token", self.token)
        page.loading(lambda: page.press("Enter"))
        expect(page.text("h1") == "Dashboard", "no login without scripts")

    def run(self) -> None:
        with Browser() as browser:
            page = browser.page()
            page.look()
            for step in (self.keyboard, self.home, self.log_in, self.watch, self.purge):
                step(page)
                self.quiet(page, step.__name__)
            plain = browser.page()
            self.without_scripts(plain)
            self.quiet(plain, "without scripts")


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--quick"]
    if len(words) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    check = Check(words[0], words[1], sys.stdin.readline().strip(), None if "--quick" in sys.argv else Path(words[2]))
    try:
        check.run()
    except Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    print("\n".join(["the pages are as they should be", *check.shots]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
