"""A real browser for tests of pages: a Chromium, Chrome or Edge that this machine has, driven by Playwright.

Nothing is downloaded. Where there is none, tests that need one are skipped and say how to get one; ``.ci/run``
installs Debian's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge")
HERE = ("127.0.0.1", "localhost")
PATIENCE_MS = 30_000
"""For what a page is to show; Playwright's own 5 s are too short for a busy machine."""

expect.set_options(timeout=PATIENCE_MS)


def find_browser() -> str | None:
    """The program's path, or ``None``."""
    on_path = filter(None, map(shutil.which, NAMES))
    on_a_mac = (f"/Applications/{name}.app/Contents/MacOS/{name}" for name in APPLICATIONS)
    return next((path for path in (*on_path, *on_a_mac) if Path(path).exists()), None)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless browser. Skips the test where this machine has none.

    While it runs, this thread has an event loop of Playwright's, so nothing else here may call ``asyncio.run``.
    """
    path = find_browser()
    if path is None:
        pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is here (Debian: apt install chromium)")
    # A sandbox of its own is what a browser cannot make as root, or in most containers.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person's visit: a fresh profile, and what went wrong on the way.

    Requests that leave this machine are refused, and remembered: our pages work where there is no internet.
    """

    def __init__(self, browser: Browser, *, login: tuple[str, str] | None = None) -> None:
        credentials = {"username": login[0], "password": login[1]} if login else None
        self._context = browser.new_context(http_credentials=credentials)  # type: ignore[arg-type]  # a TypedDict of theirs
        self._context.route(lambda url: urlsplit(url).hostname not in HERE, self._refuse)
        self.page: Page = self._context.new_page()
        self.left: list[str] = []
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", self._failed)

    def text(self) -> str:
        """The whole DOM as it stands now, scripts' work included."""
        return str(self.page.content())

    def close(self) -> None:
        """End the visit; fails where a page's script failed or a page wanted something from elsewhere."""
        self._context.close()
        assert self.left == [], "pages wanted something from other machines"
        assert self.errors == [], "scripts failed"

    def _refuse(self, route: Route) -> None:
        self.left.append(route.request.url)
        route.abort()

    def _failed(self, request: Request) -> None:
        if request.url not in self.left and request.failure != "net::ERR_ABORTED":
            self.errors.append(f"{request.url}: {request.failure}")
