"""The HTML report in a browser: axe-core finds nothing to object to, and no width cuts it off.

axe-core comes with a package of Python, and Playwright drives the machine's own Chromium.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from auditkit.law import load_law
from auditkit.report.html import render_html
from tests.builders import audit_record
from tests.conftest import SAMPLES
from tests.unique_codes_records import watched_record

CHROMIUM = shutil.which("chromium")
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")

WIDE, NARROW, NARROWEST = 1280, 400, 320
"""Widths in CSS pixels. At 320 WCAG 2.2 asks for reflow (success criterion 1.4.10)."""

PATIENCE = 120_000
"""Milliseconds a browser may take on a busy machine."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, timeout=PATIENCE)
        yield started
        started.close()


def report(name: str) -> str:
    """The HTML of the hand-made record, of one with the other method, or of a sample as committed."""
    made = {"hand-made": audit_record, "unique-codes": watched_record}
    if name in made:
        return render_html(made[name](), load_law()).decode()
    return (SAMPLES[name] / "report.html").read_text("utf-8")


def opened(browser: Browser, name: str, width: int) -> Page:
    """The report in a window of this width. Its own policy forbids scripts; that of the test is let in."""
    size = ViewportSize(width=width, height=900)
    page = browser.new_page(bypass_csp=True, viewport=size)
    page.set_content(report(name), timeout=PATIENCE)
    return page


def violations(page: Page) -> list[str]:
    """Rule and first place of everything that axe-core objects to."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 20
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


def test_axe_sees_what_is_wrong(browser: Browser) -> None:
    """The check can fail: a picture without words and faint text are both found."""
    page = opened(browser, "hand-made", WIDE)
    page.evaluate(
        "document.querySelector('main').innerHTML += '<img><p style=color:#ccc>faint</p>'"
    )
    assert {one.partition(":")[0] for one in violations(page)} == {"image-alt", "color-contrast"}
    page.close()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ["hand-made", "unique-codes", "consistent"])
def test_axe_objects_to_nothing(browser: Browser, name: str, width: int) -> None:
    """No rule of axe-core, of WCAG or of good practice, is violated."""
    page = opened(browser, name, width)
    assert violations(page) == []
    page.close()


@pytest.mark.parametrize("name", ["hand-made", "unique-codes", *SAMPLES])
def test_the_page_never_scrolls_sideways(browser: Browser, name: str) -> None:
    """At every width the page fits its window; a wide table scrolls by itself."""
    page = opened(browser, name, WIDE)
    for width in (WIDE, NARROW, NARROWEST):
        page.set_viewport_size(ViewportSize(width=width, height=900))
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()
