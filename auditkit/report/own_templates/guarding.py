"""What a provider's template may write, and that it cannot reach the fixed parts of the page around it.

A mark before and after each of the provider's sections says which part of the page is whose. The page is
then read as a browser would: inside the marks there is text, tables and lists and nothing that loads,
runs or hides, every element is closed in the section that opened it, and no section closes another's.
So what stands outside the marks stands on the page as it was written.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from auditkit.digest import sha256_hex

_VOID = frozenset({"meta", "col", "br", "hr"})
_TEXT = re.compile(
    "a|abbr|article|aside|b|blockquote|br|caption|cite|code|col|colgroup|dd|div|dl|dt|em|figcaption|figure"
    "|h[2-4]|hr|i|li|ol|p|pre|section|small|span|strong|sub|sup|svg|table|tbody|td|th|thead|tr|ul"
)
_DRAWN = re.compile("circle|desc|g|line|path|rect|text|title")
"""Inside ``svg`` only: the drawings are finished strings of the view."""
_ATTRIBUTES = re.compile(
    "class|id|href|scope|colspan|rowspan|dir|lang|role|tabindex|aria-label|aria-labelledby"
)
_HIDDEN = frozenset({"visually-hidden", "skip"})
"""Classes whose text is not on paper: for the head of a table only."""
_LINK = re.compile(r"#[\w.:-]+")

ANY_PLACE = "specimen"
"""The id that stands for all others on a page made up to try a template on."""


class GuardError(Exception):
    """The page is not one that a provider's template may make. Carries what to write instead."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


def mark(source: str) -> str:
    """The comment around what a template writes. A template cannot hold its own digest, so not forge it."""
    return f"<!--{sha256_hex(source.encode())}-->"


def guard(page: str, sources: frozenset[str]) -> str:
    """The page without the marks of these templates, where each writes only what it may.

    Raises:
        GuardError: what stands in one of their sections and may not, or is not closed there.
    """
    marks = frozenset(mark(source) for source in sources)
    read = _Page(marks)
    read.feed(page)
    read.close()
    read.finish(sum(page.count(each) for each in marks))
    for each in marks:
        page = page.replace(each, "")
    return page


class _Page(HTMLParser):
    """The elements of a page, looked at as they come."""

    def __init__(self, marks: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._marks = marks
        self._open: list[str] = []
        self._inside: list[tuple[str, int]] = []
        """The sections that stand open here: their mark, and how many elements were open before."""
        self._met = 0
        self._ids: list[str] = []
        self._links: list[str] = []

    def finish(self, marks: int) -> None:
        """What can be said only once the whole page was read."""
        if self._met != marks or self._inside:
            raise GuardError("a tag or a quoted value is not closed")
        named = [each for each in self._ids if each != ANY_PLACE]
        twice = sorted({each for each in named if named.count(each) > 1})
        if twice:
            raise GuardError(f"id={twice[0]!r} stands on the page twice")
        lost = sorted(set(self._links) - {ANY_PLACE, *self._ids})
        if lost:
            raise GuardError(
                f"the page links to #{lost[0]}, and nothing there has this id",
                f'keep an element with id="{lost[0]}"',
            )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside:
            self._refuse(tag, attrs)
        given = {name: value or "" for name, value in attrs}
        self._ids += [given["id"]] if "id" in given else []
        self._links += [given["href"].removeprefix("#")] if "href" in given else []
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside and tag not in _VOID:
            raise GuardError(f"<{tag}/> closes nothing", f"write <{tag}></{tag}>")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        least = self._inside[-1][1] if self._inside else 0
        if len(self._open) <= least or self._open[-1] != tag:
            raise GuardError(f"</{tag}> closes no element that is open there")
        self._open.pop()

    def handle_comment(self, data: str) -> None:
        comment = f"<!--{data}-->"
        if comment not in self._marks:
            raise GuardError("a comment could hide what follows it", "write {# ... #}")
        self._met += 1
        if not self._inside or self._inside[-1][0] != comment:
            self._inside.append((comment, len(self._open)))
        elif self._inside.pop()[1] != len(self._open):
            raise GuardError(f"<{self._open[-1]}> is not closed")

    def handle_pi(self, data: str) -> None:
        raise GuardError(f"<?{data[:20]}: only elements and text stand in a section")

    def handle_decl(self, decl: str) -> None:
        if self._open or self._inside:
            raise GuardError(f"<!{decl[:20]}: only elements and text stand in a section")

    def unknown_decl(self, data: str) -> None:
        raise GuardError(f"<![{data[:20]}: only elements and text stand in a section")

    def _refuse(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "svg" in self._open:
            if not _DRAWN.fullmatch(tag) or any(
                name.startswith(("on", "style")) for name, _ in attrs
            ):
                raise GuardError(f"<{tag}> is no part of a drawing of the report")
            return
        if not _TEXT.fullmatch(tag):
            raise GuardError(f"<{tag}> cannot stand in a section", "write text, tables and lists")
        for name, value in attrs if tag != "svg" else ():
            if name == "href" and not _LINK.fullmatch(value or ""):
                raise GuardError(
                    f"a link to {value!r} leads out of the page", "link to #a-place on it"
                )
            if not _ATTRIBUTES.fullmatch(name):
                raise GuardError(
                    f"<{tag}> cannot have {name}=", "the style sheet has classes to use"
                )
            if name == "class" and _HIDDEN & set((value or "").split()) and tag != "thead":
                raise GuardError(f"<{tag}> cannot be hidden by the class {value!r}")
