"""The picture of a visible seal: what it says, and its place on page 1 as a field for a signature.

The field has all that PDF/A-3a and PDF/UA-1 ask for before anything is signed: an appearance with its
own fonts, a name, words that say what it shows, and a ``Form`` element in the structure. So signing
changes nothing that is seen. The picture states no time: only the signature does.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from html import escape

import pikepdf
from pikepdf import Array, Dictionary, Name, Rectangle, String

from auditkit.characters.spelling import unmasked, visible
from auditkit.messages import N_, _, speaking
from auditkit.records.audit import AuditRecord, KeyLevel, Signing
from auditkit.report.layout import RenderingError, drawable, font_style, laid_out
from auditkit.report.sections.signing import NAME_LIMIT
from auditkit.report.wording import in_quotes, shortened
from auditkit.signing.pdf import SEAL_FIELD

STAMP_KEYS: dict[KeyLevel, str] = {
    "development": N_("DEVELOPMENT KEY: it names nobody and is not a qualified seal"),
    "self_signed": N_(
        "SELF-SIGNED CERTIFICATE: not a qualified seal; nobody else vouches for its name"
    ),
    "organisation": N_(
        "ORGANISATION CERTIFICATE - its name is stated by its issuer, and it is not called qualified"
    ),
}
_PLACE = "auditkit-place-of-seal"
_WIDTH, _HEIGHT = 178, 20
"""Millimetres: as wide as the text of a page, as high as five lines."""

PLACE_STYLE = (
    f".place-of-seal {{ margin: 2mm 0 }} "
    f"#{_PLACE} {{ display: block; width: {_WIDTH}mm; height: {_HEIGHT}mm }}\n"
)
_STYLE = f"""
@page {{ size: {_WIDTH}mm {_HEIGHT}mm; margin: 0.4mm; padding: 1mm 2.5mm; border: 0.8pt solid #1f3f66 }}
html {{ font: 7pt/1.3 "Auditkit Sans"; color: #1b2733 }}
body, p {{ margin: 0; overflow-wrap: anywhere }}
"""
_TENTH_OF_A_POINT = 0.1
_FONT_TAG = "SEALED+"
_PRINT, _LOCKED = 1 << 2, 1 << 7


@dataclass(frozen=True)
class Stamp:
    """A seal's picture: its words, the field's name for a reader who does not see it, a PDF of it."""

    name: str
    lines: tuple[str, ...]
    picture: bytes


def _lines(signing: Signing) -> tuple[str, ...]:
    subject = shortened(visible(unmasked(signing.subject), drawable()), NAME_LIMIT)
    return (
        _(STAMP_KEYS[signing.key_level]),
        _(
            "Sealed by (name as the certificate states it): {subject}",
            subject=in_quotes(subject) if subject else _("no name"),
        ),
        _(
            "Level of the signature: PAdES {level}. Whether this seal holds is judged with auditkit "
            "verify, and not by this picture.",
            level=signing.pades,
        ),
    )


def stamp_of(record: AuditRecord, identifier: bytes) -> Stamp:
    """The picture of the seal that the record states.

    Raises:
        RenderingError: the words do not fit the place.
        EnvironmentUnavailableError: a system library that lays it out is missing.
        CatalogueError: there is no catalogue for the record's language.
    """
    with speaking(record.report.language):
        name, (heading, *rest) = _("Seal of the report"), _lines(record.signing)
    text = "".join(
        [
            f'<html lang="{escape(record.report.language)}"><head><title>{escape(name)}</title>',
            f"<style>{font_style()}{_STYLE}</style></head><body>",
            f"<p><strong>{escape(heading)}</strong></p>",
            *(f"<p>{escape(line)}</p>" for line in rest),
            "</body></html>",
        ]
    )
    # Without structure of its own: to a reader the field is one thing, with the words it is given.
    return Stamp(name, (heading, *rest), laid_out(text, identifier, "pdf/a-3b"))


def place(stamp: Stamp, pdf: pikepdf.Pdf) -> None:
    """Make the place that the page keeps for a seal a field without a signature, with its picture.

    The layout wrote the place as a link to itself, which gives it a rectangle and an element in the
    structure, in the order of the page; both become those of a field (ISO 14289-1, 7.18.4).

    Raises:
        RenderingError: the place is not on page 1, there is another, or the picture does not fit it.
    """
    field, element = _place(pdf)
    with pikepdf.open(io.BytesIO(stamp.picture)) as picture:
        corners = Rectangle(Array(field.Rect))  # the layout names the upper ones first
        if len(picture.pages) != 1 or not _fits(Rectangle(picture.pages[0].mediabox), corners):
            raise RenderingError("the picture of the seal does not fit its place on page 1")
        _rename_fonts(picture.pages[0].Resources.Font)
        appearance = pdf.copy_foreign(picture.make_indirect(picture.pages[0].as_form_xobject()))
    for key in ("/Dest", "/BS"):
        del field[key]
    field.Rect = corners.as_array()
    field.Subtype, field.FT = Name.Widget, Name.Sig
    field.T, field.TU = String(SEAL_FIELD), String(stamp.name)
    field.Contents = String(" ".join(stamp.lines))
    field.F, field.P = _PRINT | _LOCKED, pdf.pages[0].obj
    field.AP = Dictionary(N=appearance)
    element.S = Name.Form
    pdf.pages[0].Tabs = Name.S
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=1)


def _place(pdf: pikepdf.Pdf) -> tuple[pikepdf.Object, pikepdf.Object]:
    """The annotation that stands for the place, and its element of the structure."""
    numbers = pdf.Root.StructTreeRoot.ParentTree.Nums
    elements = {int(numbers[n]): numbers[n + 1] for n in range(0, len(numbers), 2)}
    found = [
        (index, annotation, elements[int(annotation.StructParent)])
        for index, page in enumerate(pdf.pages)
        for annotation in page.get("/Annots", Array())
        if str(annotation.get("/Dest", "")) == _PLACE
    ]
    if [index for index, _annotation, _element in found] != [0]:
        raise RenderingError("page 1 of the PDF has not one place for the seal")
    _index, annotation, element = found[0]
    return annotation, element


def _rename_fonts(fonts: pikepdf.Object) -> None:
    """Give the picture's fonts a tag of their own: the layout names a font's parts by the font alone,
    and two parts of it in one file have different tags (ISO 32000-1, 9.6.4)."""
    for key in sorted(fonts.keys()):
        font = fonts[key]
        (inner,) = font.DescendantFonts
        name = Name("/" + _FONT_TAG + str(font.BaseFont).partition("+")[2])
        font.BaseFont = inner.BaseFont = inner.FontDescriptor.FontName = name


def _fits(picture: Rectangle, place: Rectangle) -> bool:
    """Whether two rectangles are of one size: a picture is drawn as large as its place."""
    wider, higher = picture.width - place.width, picture.height - place.height
    return max(abs(float(wider)), abs(float(higher))) < _TENTH_OF_A_POINT
