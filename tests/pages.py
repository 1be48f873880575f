"""Reads a report as HTML: its tags, its words, what is read out, and what a reader of the paper finds."""

from __future__ import annotations

from html.parser import HTMLParser

from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from tests.builders import audit_record

BLOCKS = {"p", "th", "td", "tr", "caption", "li", "dt", "dd", "h1", "h2", "h3", "strong", "section"}
NO_TEXT = {"style", "title"}

READ_OUT = (
    "alt",
    "aria-label",
    "title",
    "data-running",
    "content",
    "placeholder",
    "aria-description",
)
FOOT = ("data-before-page", "data-before-pages", "data-after-pages")
"""One message in three pieces, around the numbers."""

ITEMS = {"p", "li", "dt", "dd", "th", "td", "caption", "figcaption", "pre", "strong", "svg"}
ITEMS |= {"h1", "h2", "h3", "h4", "tr", "ol", "ul", "div"}
NOT_ON_PAPER = {"head", "style", "title", "footer"}
ON_SCREEN_ONLY = ("skip", "visually-hidden")
WITHOUT_END = {"meta", "col", "br", "hr", "img", "link"}


def squeezed(text: str) -> str:
    """The text without its white space."""
    return "".join(text.split())


class Page(HTMLParser):
    """A page of HTML.

    ``tags`` has every tag with its attributes, ``text`` the words but for style and title. ``texts`` and
    ``attributes`` are everything that is read, the title and what is read out too. ``items``, ``headers``
    (of tables) and ``drawings`` (the labels of each) are what the paper has, in order and without white
    space: left out is what the style sheet leaves out on paper, which is the skip link, headers of tables
    that are for screen readers, the foot of the page, and the words that stand for a drawing. ``running``
    is what stands at the head of every sheet.
    """

    def __init__(self, content: str | bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.attributes: list[str] = []
        self.items: list[str] = [""]
        self.headers: list[str] = []
        self.drawings: list[str] = []
        self.running = ""
        self._words: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(content.decode() if isinstance(content, bytes) else content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps the tag, what is read out of it, and where it begins something."""
        named = dict(attrs)
        self.tags.append((tag, named))
        self._words.append(" " if tag in BLOCKS else "")
        self.running = named.get("data-running") or self.running
        if tag != "meta" or named.get("name") in {"author", "description"}:
            self.attributes += [named[name] or "" for name in READ_OUT if name in named]
            self.attributes.append("".join(named.get(name) or "" for name in FOOT))
        if tag in WITHOUT_END:
            return
        hidden = tag in NOT_ON_PAPER or named.get("class") in ON_SCREEN_ONLY
        self._open.append((tag, hidden or self._hidden))
        if tag in ITEMS:
            self.items.append("")
        for kind, texts in (("thead", self.headers), ("svg", self.drawings)):
            if tag == kind:
                texts.append("")

    def handle_endtag(self, tag: str) -> None:
        """Ends an item with its element."""
        if tag not in WITHOUT_END and self._open:
            self._open.pop()
            self.items.append("")

    @property
    def _hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def handle_data(self, data: str) -> None:
        """Keeps a text as whatever it is."""
        inside = {tag for tag, _ in self._open}
        if not inside & NO_TEXT:
            self._words.append(data)
        if not self._open or self._open[-1][0] != "style":
            self.texts.append(data)
        if not self._open or self._hidden:
            return
        if "svg" in inside:
            self.drawings[-1] += squeezed(data)
            return
        self.items[-1] += squeezed(data)
        if "thead" in inside:
            self.headers[-1] += squeezed(data)

    @property
    def text(self) -> str:
        """The words, with one space between them."""
        return " ".join("".join(self._words).split())


def rendered(record: AuditRecord) -> Page:
    """The report of a record, as a page."""
    return Page(render_html(record, load_law()))


def with_first_task(**changes: object) -> AuditRecord:
    """The hand-made record, its first task changed."""
    record = audit_record()
    first = record.tasks[0].model_copy(update=changes)
    return record.model_copy(update={"tasks": (first, *record.tasks[1:])})
