"""The report as PDF/A-3a and PDF/UA-1: the page of the HTML, with files attached.

WeasyPrint lays the page out and tags it. Everything else is written here with pikepdf: the second
conformance claim, the attachments and their relationships, and a normalised file structure that
signs and verifies fast; and, where the policy asks for it, the field of a visible seal.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pikepdf
from pikepdf import Array, AttachedFileSpec, Dictionary, Name

from auditkit.law import Law
from auditkit.records.audit import AuditRecord
from auditkit.report.html import page
from auditkit.report.layout import RenderingError, drawable, font_style, laid_out
from auditkit.report.own_templates.overriding import SHIPPED, Templates
from auditkit.report.stamp import PLACE_STYLE, Stamp, place, stamp_of
from auditkit.report.view import build_view

_UA_CLAIM = b"""
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfuaid:part>1</pdfuaid:part>
</rdf:Description>
<rdf:Description rdf:about=""
 xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that the file claims</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""


@dataclass(frozen=True)
class Attached:
    """A file to attach. ``relationship``: data of the report, its source, or an alternative."""

    name: str
    content: bytes
    media_type: str
    description: str
    relationship: Literal["Data", "Alternative", "Source"]


def _claim_accessibility(pdf: pikepdf.Pdf) -> None:
    metadata = pdf.Root.Metadata
    before, closing, after = metadata.read_bytes().rpartition(b"</rdf:RDF>")
    if not closing:
        raise RenderingError("the PDF came out without its XMP metadata")
    # Left uncompressed: archives read this stream without decoding the file.
    metadata.write(before + _UA_CLAIM + closing + after)


def _scope_headers(element: pikepdf.Object, scope: str) -> None:
    """Says of every header cell whether it heads a column or a row: the layout leaves it open."""
    if isinstance(element, Array):
        for child in element:
            _scope_headers(child, scope)
    elif isinstance(element, Dictionary):
        kind = str(element.get("/S", ""))
        if kind == "/TH":
            element.A[Name.Scope] = Name("/" + scope)
        inner = {"/THead": "Column", "/TBody": "Row"}.get(kind, scope)
        if "/K" in element:
            _scope_headers(element.K, inner)


def _attach(pdf: pikepdf.Pdf, attachments: Sequence[Attached], date: str) -> None:
    associated = []
    for one in sorted(attachments, key=lambda attached: attached.name):
        attached = AttachedFileSpec(
            pdf,
            one.content,
            filename=one.name,
            description=one.description,
            mime_type=one.media_type,
            creation_date=date,
            mod_date=date,
        )
        attached.relationship = Name("/" + one.relationship)
        pdf.attachments[one.name] = attached
        associated.append(pdf.attachments[one.name].obj)
    if associated:
        pdf.Root.AF = pdf.make_indirect(Array(associated))


def _pdf_date(instant: str) -> str:
    return "D:" + "".join(character for character in instant if character.isdigit()) + "+00'00'"


def _finished(
    pages: bytes, attachments: Sequence[Attached], date: str, stamp: Stamp | None
) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pages)) as pdf:
        _claim_accessibility(pdf)
        _scope_headers(pdf.Root.StructTreeRoot, "Row")
        _attach(pdf, attachments, date)
        if stamp is not None:
            place(stamp, pdf)
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return out.getvalue()


def _check(content: bytes, attachments: Sequence[Attached]) -> None:
    """What was asked for is in the file: WeasyPrint and PDF writers drop things silently."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        held = {name: spec.get_file().read_bytes() for name, spec in pdf.attachments.items()}
        wanted = {one.name: one.content for one in attachments}
        if held != wanted:
            raise RenderingError(f"the PDF holds {sorted(held)} instead of {sorted(wanted)}")
        tagged = pdf.Root.get("/MarkInfo", Dictionary()).get("/Marked", False)
        if not tagged or "/StructTreeRoot" not in pdf.Root:
            raise RenderingError("the PDF came out without its structure")


def render_pdf(
    record: AuditRecord,
    law: Law,
    attachments: Sequence[Attached] = (),
    templates: Templates = SHIPPED,
) -> bytes:
    """The report on this record as a tagged PDF/A-3a file that also claims PDF/UA-1.

    The dates in the file are those of the run. Characters that the shipped fonts cannot draw are
    printed as ``[U+...]``; the HTML has them as they are. Where the record says that the seal is
    visible, its field is on page 1 with its picture, still without a signature.

    Raises:
        ValueError: two attachments have one name, or the record names other templates than these.
        GuardError: a template of the provider's own writes what it may not.
        EnvironmentUnavailableError: a system library WeasyPrint needs is missing.
        RenderingError: WeasyPrint warned of something, something outside the page was asked for,
            an attachment is not in the file, or the seal's picture does not fit its place.
    """
    names = [one.name for one in attachments]
    if len(set(names)) != len(names):
        raise ValueError(f"two attachments have one name: {sorted(names)}")
    templates.require(record)
    identifier = record.run_id.encode("ascii")
    stamp = stamp_of(record, identifier) if record.signing.visible else None
    style = font_style() + (PLACE_STYLE if stamp else "")
    text = page(
        build_view(record, law),
        templates=templates,
        extra_style=style,
        drawable=drawable(),
        place_of_seal=stamp is not None,
    )
    pages = laid_out(text, identifier)
    content = _finished(pages, attachments, _pdf_date(record.times.finished), stamp)
    _check(content, attachments)
    return content
