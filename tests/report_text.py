"""The text of a report, item by item: as its HTML has it, and as ``pdftotext`` reads it from the PDF.

White space is left out of every comparison: where a line ends is the layout's business.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.pages import Page, squeezed

LEADERS = re.compile(r"(?:\s\.){3,}\s*\d+\n")
"""The dots of the contents, and the page numbers they lead to."""


def printed(pdf: Path, running: str, seal: str = "") -> str:
    """The text of all pages in the order of the document, without page numbers, heads and feet.

    ``seal`` is the text of the seal's picture, which is read last on page 1.

    Raises:
        ValueError: a page does not end in its head and foot, or page 1 not in the seal's text.
    """
    command = ["pdftotext", "-raw", str(pdf), "-"]
    raw = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    pages = [squeezed(page) for page in LEADERS.sub("\n", raw).removesuffix("\f").split("\f")]
    kept = []
    for number, page in enumerate(pages, start=1):
        furniture = f"{squeezed(running)}Page{number}of{len(pages)}"
        furniture += squeezed(seal) if number == 1 else ""
        if not page.endswith(furniture):
            raise ValueError(f"page {number} ends in {page[-80:]!r}")
        kept.append(page.removesuffix(furniture))
    return "".join(kept)


def differences(html: str, pdf: Path, seal: str = "") -> list[str]:
    """Each item of the HTML that the PDF lacks at its place, and each text of the PDF that is no item.

    Bullets are left out: where an item goes on over the page, those of the whole list are read in it. The
    PDF may have a table's header again where the table goes on. The labels of a drawing come where the
    layout draws it: anywhere on its page, whole, in the same order.
    """
    page = Page(html)
    drawings = [labels for labels in page.drawings if labels]
    text, place, found = printed(pdf, page.running, seal).replace("•", ""), 0, []
    longest_first = sorted({*filter(None, page.headers)}, key=len, reverse=True)
    beside = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
    for item in [*filter(None, page.items), ""]:
        while True:
            if drawings and text.startswith(drawings[0], place):
                place += len(drawings.pop(0))
            elif item and text.startswith(item, place):
                break
            elif again := beside.match(text, place):
                place = again.end()
            else:
                break
        if item and not text.startswith(item, place):
            found.append(f"not here: {item[:80]!r}; the PDF goes on {text[place : place + 80]!r}")
            continue
        place += len(item)
    if place < len(text):
        found.append(f"only in the PDF: {text[place : place + 80]!r}")
    return found + [f"no drawing with {labels[:80]!r}" for labels in drawings]
