"""Hold a PDF against what auditkit writes: nothing in it acts, hides from a reader, or is there twice.

Every key is looked at, wherever it stands: a reader's program may follow one that auditkit never writes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream

from auditkit.errors import EvidenceError

_ROOT = frozenset(
    f"/{name}"
    for name in (
        "AF",
        "AcroForm",
        "DSS",
        "Extensions",
        "Lang",
        "MarkInfo",
        "Metadata",
        "Names",
        "Outlines",
        "OutputIntents",
        "Pages",
        "Perms",
        "StructTreeRoot",
        "Type",
        "Version",
        "ViewerPreferences",
    )
)
"""What stands in the root of auditkit's files: no action at opening, no layers, no labels of pages."""

_NEVER = frozenset(
    f"/{name}"
    for name in (
        "AA",
        "Alternates",
        "Collection",
        "JS",
        "JavaScript",
        "OC",
        "OCGs",
        "OCProperties",
        "OPI",
        "OpenAction",
        "PageLabels",
        "RichMediaContent",
        "Thumb",
        "XFA",
    )
)
"""Keys by which a file acts, or is another one to another reader."""

_ACTIONS = frozenset(
    f"/{name}"
    for name in (
        "GoTo3DView",
        "GoToE",
        "GoToR",
        "Hide",
        "ImportData",
        "JavaScript",
        "Launch",
        "Movie",
        "Named",
        "Rendition",
        "ResetForm",
        "SetOCGState",
        "Sound",
        "SubmitForm",
        "Thread",
        "Trans",
        "URI",
    )
)
_MOST_DEEP = 60


def refuse_what_acts(content: bytes, title: str | None) -> None:
    """Returns if the file holds nothing that a reader's program may run, hide or show otherwise.

    ``title`` is the one that the record gives, ``None`` where it is not known.

    Raises:
        EvidenceError: it does; the key or the kind of it is named.
    """
    with _opened(content) as pdf:
        unknown = sorted(set(pdf.Root.keys()) - _ROOT)
        if unknown:
            raise EvidenceError(f"the PDF's root holds {unknown[0]}, which auditkit does not write")
        for each in pdf.objects:
            _refuse_in(each, 0)
        for number, page in enumerate(pdf.pages, start=1):
            for mark in page.obj.get("/Annots", Array()):
                _refuse_annotation(mark, number)
        shown = str(pdf.docinfo.get("/Title", ""))
    if title is not None and shown != title:
        raise EvidenceError(f"the PDF is titled {shown!r}, the record gives {title!r}")


@contextmanager
def _opened(content: bytes) -> Iterator[pikepdf.Pdf]:
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            yield pdf
    except EvidenceError:
        raise
    except Exception as error:  # hostile bytes: every way to break the reader is a failure
        raise EvidenceError("what the PDF holds cannot be read") from error


def _refuse_in(value: Object, depth: int) -> None:
    if depth > _MOST_DEEP:
        raise EvidenceError("the PDF's objects are nested too deep")
    if isinstance(value, Array):
        for each in value:
            if _is_direct(each):
                _refuse_in(each, depth + 1)
    elif isinstance(value, (Dictionary, Stream)):
        keys = set(value.keys())
        if found := sorted(keys & _NEVER):
            raise EvidenceError(f"the PDF holds {found[0]}, which auditkit does not write")
        if (kind := value.get("/S")) is not None and str(kind) in _ACTIONS:
            raise EvidenceError(f"the PDF holds an action of the kind {kind}")
        for key in keys:
            if _is_direct(value[key]):
                _refuse_in(value[key], depth + 1)


def _is_direct(value: object) -> bool:
    """Whether it is part of the object it stands in; numbers and texts come as Python's own."""
    return isinstance(value, Object) and not value.is_indirect


def _refuse_annotation(mark: Object, page: int) -> None:
    kind = str(mark.get("/Subtype", ""))
    if kind == "/Widget" and mark.get("/FT", Name.None_) == Name.Sig:
        return
    if kind != "/Link" or "/Dest" not in mark or "/A" in mark or "/AP" in mark:
        raise EvidenceError(
            f"page {page} of the PDF holds an annotation that is no link within it: {kind}"
        )


def attached_names(content: bytes) -> tuple[str, ...]:
    """The names of the attached files, each once, as every way to them gives them.

    Raises:
        EvidenceError: a name stands twice, or two ways lead to different files.
    """
    with _opened(content) as pdf:
        tree = pdf.Root.get("/Names", Dictionary()).get("/EmbeddedFiles", Dictionary())
        listed = list(_leaves(tree, 0))
        names = [name for name, _ in listed]
        if len(set(names)) < len(names):
            raise EvidenceError("the PDF carries two files of one name")
        for name, file in listed:
            _refuse_other_file(name, file)
        associated = [each.objgen for each in pdf.Root.get("/AF", Array())]
        if sorted(associated) != sorted(file.objgen for _, file in listed):
            raise EvidenceError("the files associated with the PDF are not those attached to it")
    return tuple(sorted(names))


def _leaves(node: Object, depth: int) -> Iterator[tuple[str, Object]]:
    if depth > _MOST_DEEP:
        raise EvidenceError("the PDF's tree of attached files is too deep")
    entries: Sequence[Object] = list(node.get("/Names", Array()))
    for name, file in zip(entries[::2], entries[1::2], strict=True):
        yield str(name), file
    for child in node.get("/Kids", Array()):
        yield from _leaves(child, depth + 1)


def _refuse_other_file(name: str, file: Object) -> None:
    if {str(file.get("/F", "")), str(file.get("/UF", ""))} != {name}:
        raise EvidenceError(f"the PDF calls the attached {name} otherwise in another place")
    held = file.get("/EF", Dictionary())
    contents = {held[key].read_bytes() for key in held.keys()}  # noqa: SIM118 - a pikepdf mapping
    if len(contents) != 1 or not set(held.keys()) <= {"/F", "/UF"}:
        raise EvidenceError(f"the PDF holds more than one file as {name}")
