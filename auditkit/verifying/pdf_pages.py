"""Hold what a PDF shows against the pages that its record gives, rendered again.

What a reader sees or hears is compared: the contents of every page with fonts and pictures, links, outline,
structure (the words for a screen reader), title and language. Object numbers and packing may differ. Where
another version of a font library wrote other bytes, words and pictures of the pages are compared instead.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unicodedata import normalize

import numpy as np
import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary, Name, Object, Stream

from auditkit.errors import EvidenceError

_OF_A_FIELD = frozenset({"/V", "/Lock", "/SV", "/M"})
"""What signing writes into a field."""
_UPWARD = frozenset({"/Parent", "/P"})
_OF_A_PAGE = frozenset({"/Annots", "/Tabs"})
_OF_THE_PACKING = frozenset({"/Length", "/Filter", "/DecodeParms"})
_OF_THE_ROOT = ("/Lang", "/MarkInfo", "/ViewerPreferences", "/OutputIntents")
_OF_THE_FILE = ("/Title", "/Author", "/Subject", "/Keywords", "/Creator")
_NOT_COMPARED = frozenset({"ModifyDate", "MetadataDate", "Producer", "schemas"})
"""Of the metadata: what signing writes anew, and the list of names that others stand under."""

_SCALE = 100 / 72
"""Pictures of pages have 100 points to the inch: the smallest digit is then four of them wide."""
_SHADE = 32
"""Two pictures of a page are the same where no point differs by more than this, of 255."""


def other_parts(shown: bytes, given: bytes) -> tuple[str, ...]:
    """The parts in which two PDFs show something else, such as ``page 3``; empty where none does.

    Raises:
        EvidenceError: one of them cannot be read.
    """
    try:
        with pikepdf.open(io.BytesIO(shown)) as one, pikepdf.open(io.BytesIO(given)) as other:
            first, second = dict(_parts(one)), dict(_parts(other))
    except Exception as error:  # hostile bytes: every way to break the reader is a failure
        raise EvidenceError("the pages of the PDF cannot be read") from error
    return tuple(part for part in first | second if first.get(part) != second.get(part))


def _parts(pdf: pikepdf.Pdf) -> Iterator[tuple[str, bytes]]:
    """Each part that a reader may be shown, by name, with a digest of all of it."""
    writing = _Writing()
    # Pages first: what other parts say of a page is then its place.
    for number, page in enumerate(pdf.pages, start=1):
        yield f"page {number}", writing.digest([page.obj])
    for number, page in enumerate(pdf.pages, start=1):
        marks = [each for each in page.obj.get("/Annots", Array()) if _is_on_the_page(each)]
        yield f"the links of page {number}", writing.digest(marks)
    yield "the outline", writing.digest([pdf.Root.get("/Outlines")])
    names = pdf.Root.get("/Names", Dictionary())
    yield "the named places", writing.digest([pdf.Root.get("/Dests"), names.get("/Dests")])
    yield "the words for a screen reader", writing.digest([pdf.Root.get("/StructTreeRoot")])
    yield "the settings", writing.digest([pdf.Root.get(name) for name in _OF_THE_ROOT])
    yield "the description", writing.digest([pdf.docinfo.get(name) for name in _OF_THE_FILE])
    yield "the metadata", _metadata(pdf)


def _is_on_the_page(mark: Object) -> bool:
    """Signatures and timestamps without a picture lie outside of every page, or have no area.

    The form holds no other fields (check 5).
    """
    if mark.get("/Subtype") != Name.Widget:
        return True
    left, lower, right, upper = (float(each) for each in mark.Rect)
    return left != right and lower != upper and max(right, upper) > 0


def _metadata(pdf: pikepdf.Pdf) -> bytes:
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        held = {
            key: repr(value)
            for key, value in metadata.items()
            if key.rpartition("}")[2] not in _NOT_COMPARED
        }
    return hashlib.sha256(repr(sorted(held.items())).encode()).digest()


class _Writing:
    """Objects written out in one order, whatever their numbers: equal writing is equal content.

    An object met before is named by when it was met, so that a circle ends.
    """

    def __init__(self) -> None:
        self._met: dict[tuple[int, int], int] = {}
        self._hash = hashlib.sha256()

    def digest(self, values: Sequence[object]) -> bytes:
        """The digest of these values, and of all that they lead to and was not met before."""
        self._hash = hashlib.sha256()
        todo: list[object] = list(reversed(values))
        while todo:  # a list in place of recursion: structure is nested deeper than Python calls
            value = todo.pop()
            if isinstance(value, bytes):
                self._hash.update(value)
            elif isinstance(value, (Array, Dictionary, Stream)):
                if not self._seen(value):
                    todo.extend(reversed(list(_inside(value))))
            else:
                self._hash.update(b"%s %s;" % (type(value).__name__.encode(), repr(value).encode()))
        return self._hash.digest()

    def _seen(self, value: Object) -> bool:
        if not value.is_indirect:
            return False
        seen = value.objgen in self._met
        self._hash.update(b"#%d;" % self._met.setdefault(value.objgen, len(self._met)))
        return seen


def _inside(value: Object) -> Iterator[object]:
    """What an array, a dictionary or a stream holds, with marks of where it begins and ends."""
    if isinstance(value, Array):
        yield b"["
        yield from value
        yield b"]"
        return
    left_out = _UPWARD
    if value.get("/Type") == Name.Page:
        left_out |= _OF_A_PAGE
    if value.get("/Subtype") == Name.Widget:
        left_out |= _OF_A_FIELD
    if isinstance(value, Stream):
        left_out |= _OF_THE_PACKING
        yield hashlib.sha256(_content(value)).digest()
    yield b"<"
    for key in sorted(value.keys()):
        if key not in left_out:
            yield key.encode()
            yield value[key]
    yield b">"


def _content(stream: Object) -> bytes:
    try:
        return stream.read_bytes()
    except pikepdf.PdfError:  # a picture in a packing of its own
        return stream.read_raw_bytes()


def other_picture(shown: bytes, given: bytes) -> str | None:
    """The first page on which two PDFs have other words or look otherwise; ``None`` where none does.

    Words are those a program extracts, and a font can make it read others than it draws: so the pictures
    of the pages are compared as well.

    Raises:
        EvidenceError: one of them cannot be drawn.
    """
    with _drawn(shown) as one, _drawn(given) as other:
        if len(one) != len(other):
            return f"it has {len(one)} pages and not {len(other)}"
        for number, (first, second) in enumerate(zip(one, other, strict=True), start=1):
            if _words(first).split() != _words(second).split():
                return f"page {number} has other words"
            if not _look_alike(first, second):
                return f"page {number} looks otherwise"
    return None


def other_letters(shown: bytes, given: bytes) -> bool:
    """Whether two PDFs of as many pages have other letters, wherever these stand.

    A line or a page that breaks in another place changes no letter; another word does.

    Raises:
        EvidenceError: one of them cannot be drawn.
    """
    with _drawn(shown) as one, _drawn(given) as other:
        return len(one) == len(other) and _letters(one) != _letters(other)


def pdf_words(content: bytes) -> str:
    """The words of all pages, as a program extracts them.

    Raises:
        EvidenceError: the file cannot be drawn.
    """
    with _drawn(content) as pdf:
        return "\n".join(_words(page) for page in pdf)


@contextmanager
def _drawn(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    try:
        with pypdfium2.PdfDocument(content) as pdf:
            yield pdf
    except pypdfium2.PdfiumError as error:
        raise EvidenceError("the pages of the PDF cannot be drawn") from error


def _letters(pdf: pypdfium2.PdfDocument) -> Counter[str]:
    return Counter(
        each for page in pdf for each in normalize("NFKC", _words(page)) if each.isalpha()
    )


def _words(page: pypdfium2.PdfPage) -> str:
    text = page.get_textpage()
    try:
        return str(text.get_text_range())
    finally:
        text.close()


def _look_alike(one: pypdfium2.PdfPage, other: pypdfium2.PdfPage) -> bool:
    if one.get_size() != other.get_size():
        return False
    first, second = (each.render(scale=_SCALE, grayscale=True).to_numpy() for each in (one, other))
    return bool(np.abs(first.astype(np.int16) - second.astype(np.int16)).max() <= _SHADE)
