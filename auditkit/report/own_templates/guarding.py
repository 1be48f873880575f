"""What a provider's template may write, and that it cannot reach the fixed parts of the page around it.

A provider's sections are rendered apart from the page, which has a place for each of them, and none of what
a template writes is on the page before it was looked at. A section is read as a browser would: there is
text, tables, lists and the report's own drawings and nothing that loads, runs or hides, and every element is
closed in the section that opened it. So the rest of the page stands as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

_VOID = frozenset({"meta", "col", "br", "hr"})
_TEXT = re.compile(
    "a|abbr|article|aside|b|blockquote|br|caption|cite|code|col|colgroup|dd|div|dl|dt|em|figcaption|figure"
    "|h[2-4]|hr|i|li|ol|p|pre|section|small|span|strong|sub|sup|svg|table|tbody|td|th|thead|tr|ul"
)
_ATTRIBUTES = re.compile(
    "class|id|href|scope|colspan|rowspan|dir|lang|role|tabindex|aria-label|aria-labelledby"
)
_HIDDEN = frozenset({"visually-hidden", "skip"})
"""Classes whose text is not on paper: for the head of a table only."""
_OF_PAGE_1 = frozenset(
    (
        "cover",
        "front",
        "front-facts",
        "limits",
        "overall",
        "own",
        "place-of-seal",
        "results",
        "warning",
    )
)
"""Classes of the boxes of page 1, which say what auditkit found."""
_LETTERHEAD = "letterhead.html.j2"
_OF_LETTERHEAD = frozenset({"quiet"})
"""The classes of a letterhead: it stands on page 1, and may not look like what auditkit says there."""
_LINK = re.compile(r"#[\w.:-]+")
_DRAWING = "<svg></svg>"
_END = "wbr"

ANY_PLACE = "specimen"
"""The id that stands for all others on a page made up to try a template on."""


class GuardError(Exception):
    """The page is not one that a provider's template may make. Carries what to write instead."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True)
class OwnSection:
    """What a provider's template wrote at a place of the page. ``label`` says whose words these are."""

    template: str
    text: str
    label: str


def guard(page: str, sections: Mapping[str, OwnSection], drawings: Iterable[str]) -> str:
    """The page with a provider's sections, each at its place, where each writes only what it may.

    ``drawings`` are those of the report, which a section may show as they are.

    Raises:
        GuardError: what stands in one of the sections and may not, or is not closed there.
    """
    known = sorted(set(drawings), key=len, reverse=True)
    for place, section in sections.items():
        plain = section.text
        for each in known:
            plain = plain.replace(each, _DRAWING)
        own = _Section(section.template)
        own.feed(plain)
        own.finish()
        page = page.replace(place, f'<p class="own">{escape(section.label)}</p>{section.text}')
    whole = _Places()
    whole.feed(page)
    whole.close()
    whole.finish()
    return page


class _Places(HTMLParser):
    """The places of a whole page, and the links to them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._ids: list[str] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        given = {name: value or "" for name, value in attrs}
        self._ids += [given["id"]] if "id" in given else []
        self._links += [given["href"].removeprefix("#")] if "href" in given else []

    def finish(self) -> None:
        """What can be said only once the whole page was read."""
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


class _Section(HTMLParser):
    """The elements of one section, looked at as they come."""

    def __init__(self, template: str) -> None:
        super().__init__(convert_charrefs=True)
        self._letterhead = template == _LETTERHEAD
        self._open: list[str] = []
        self._ending = False

    def finish(self) -> None:
        """What can be said only once the whole section was read."""
        self._ending = True
        self.feed(f"<{_END}>")  # an open tag, value or comment takes in what stands behind it
        if self._ending:
            raise GuardError("a tag or a quoted value is not closed")
        if self._open:
            raise GuardError(f"<{self._open[-1]}> is not closed")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._ending and tag == _END:
            self._ending = False
            return
        if "svg" in self._open or (tag == "svg" and attrs):
            raise GuardError(f"<{tag}> is no drawing of the report", "print it as the view has it")
        if not _TEXT.fullmatch(tag):
            raise GuardError(f"<{tag}> cannot stand in a section", "write text, tables and lists")
        for name, value in attrs:
            self._refuse(tag, name, value or "")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            raise GuardError(f"<{tag}/> closes nothing", f"write <{tag}></{tag}>")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            raise GuardError(f"</{tag}> closes no element that is open there")
        self._open.pop()

    def handle_comment(self, data: str) -> None:
        del data
        raise GuardError("a comment could hide what follows it", "write {# ... #}")

    def handle_pi(self, data: str) -> None:
        raise GuardError(f"<?{data[:20]}: only elements and text stand in a section")

    def handle_decl(self, decl: str) -> None:
        raise GuardError(f"<!{decl[:20]}: only elements and text stand in a section")

    def unknown_decl(self, data: str) -> None:
        raise GuardError(f"<![{data[:20]}: only elements and text stand in a section")

    def _refuse(self, tag: str, name: str, value: str) -> None:
        if name == "href" and not _LINK.fullmatch(value):
            raise GuardError(f"a link to {value!r} leads out of the page", "link to #a-place on it")
        if not _ATTRIBUTES.fullmatch(name):
            raise GuardError(f"<{tag}> cannot have {name}=", "the style sheet has classes to use")
        if name != "class":
            return
        classes = set(value.split())
        if _HIDDEN & classes and tag != "thead":
            raise GuardError(f"<{tag}> cannot be hidden by the class {value!r}")
        if _OF_PAGE_1 & classes:
            raise GuardError(f"the class {value!r} is of page 1, where auditkit speaks")
        if self._letterhead and not classes <= _OF_LETTERHEAD:
            raise GuardError(
                f"a letterhead cannot have the class {value!r}",
                f"leave it out, or write {' or '.join(sorted(_OF_LETTERHEAD))}",
            )
