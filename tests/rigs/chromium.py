"""A real Chromium for tests of pages."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 60_000
"""How long a page may take for what a test waits for: a busy machine needs its time, and no test is about that."""


@contextmanager
def running_chromium(*arguments: str) -> Iterator[Browser]:
    """Yield a browser, started with further arguments. While it is there, a loop runs in this thread for it alone."""
    if not CHROMIUM.exists():
        pytest.fail(f"these tests need {CHROMIUM}: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *arguments], timeout=2 * PATIENCE_MS
        )
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()
