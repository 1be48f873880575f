"""The PDF report: archival, tagged, whole, and the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary

from auditkit.errors import EnvironmentUnavailableError
from auditkit.law import load_law
from auditkit.report import layout
from auditkit.report import pdf as pdf_module
from auditkit.report.html import render_html
from auditkit.report.layout import RenderingError
from auditkit.report.pdf import Attached, render_pdf
from tests.builders import audit_record
from tests.conftest import ROOT
from tests.report_records import ATTACHED


@pytest.fixture
def content(hand_made_pdf: bytes) -> bytes:
    """The hand-made record as a PDF."""
    return hand_made_pdf


@pytest.fixture
def opened(content: bytes) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(content)) as document:
        yield document


def elements(node: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """Every element of the structure tree below a node."""
    if isinstance(node, Array):
        for child in node:
            yield from elements(child)
    elif isinstance(node, Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node.K)


def test_attachments_are_the_bytes_given_with_their_relationships(opened: pikepdf.Pdf) -> None:
    """Each attached file is byte for byte what was given, and says how it belongs."""
    held = {name: spec.get_file().read_bytes() for name, spec in opened.attachments.items()}
    assert held == {one.name: one.content for one in ATTACHED}
    associated = {str(spec.UF): str(spec.AFRelationship) for spec in opened.Root.AF}
    assert associated == {one.name: f"/{one.relationship}" for one in ATTACHED}
    assert len(opened.Root.AF) == len(ATTACHED)
    types = {str(spec.UF): str(spec.EF.F.Subtype) for spec in opened.Root.AF}
    assert types["evidence.json"] == "/application/json"


def test_the_file_claims_archival_and_accessible_conformance(opened: pikepdf.Pdf) -> None:
    """The metadata claims PDF/A-3a and PDF/UA-1, and is readable without decompression."""
    packet = opened.Root.Metadata.read_bytes().decode()
    assert re.search(r'pdfaid:part(="|>)3', packet)
    assert re.search(r'pdfaid:conformance(="|>)A', packet)
    assert "<pdfuaid:part>1</pdfuaid:part>" in packet
    assert "pdfaExtension:schemas" in packet
    assert "/Filter" not in opened.Root.Metadata


def test_the_file_is_tagged_and_says_its_language_and_title(opened: pikepdf.Pdf) -> None:
    """A screen reader finds language, title, headings, tables and figures."""
    assert bool(opened.Root.MarkInfo.Marked)
    assert str(opened.Root.Lang) == "en"
    assert bool(opened.Root.ViewerPreferences.DisplayDocTitle)
    assert "/OutputIntents" in opened.Root
    kinds = {str(element.S) for element in elements(opened.Root.StructTreeRoot)}
    assert {"/H1", "/H2", "/Table", "/TH", "/Caption", "/Figure"} <= kinds


def test_every_figure_has_words_and_every_header_cell_a_scope(opened: pikepdf.Pdf) -> None:
    """No figure is without a description, no header cell without its direction."""
    for element in elements(opened.Root.StructTreeRoot):
        if str(element.S) == "/Figure":
            assert len(str(element.Alt)) > 20
        if str(element.S) == "/TH":
            assert str(element.A.Scope) in {"/Row", "/Column"}


def test_every_font_is_ours_and_embedded(opened: pikepdf.Pdf) -> None:
    """The file draws with the shipped fonts and no others."""
    names = set()
    for page in opened.pages:
        for font in page.Resources.get("/Font", Dictionary()).values():
            (descendant,) = font.DescendantFonts
            assert "/FontFile2" in descendant.FontDescriptor
            names.add(str(font.BaseFont).partition("+")[2])
    assert names == {"Auditkit-Sans", "Auditkit-Sans-Bold", "Auditkit-Mono"}


def test_nothing_in_the_file_acts(opened: pikepdf.Pdf) -> None:
    """No action, no script, no encryption, and every link stays inside the document."""
    assert "/OpenAction" not in opened.Root
    assert "/AA" not in opened.Root
    assert "/JavaScript" not in opened.Root.get("/Names", Dictionary())
    assert not opened.is_encrypted
    for page in opened.pages:
        for annotation in page.get("/Annots", Array()):
            assert str(annotation.Subtype) == "/Link"
            assert "/A" not in annotation  # links stay inside the document


def test_dates_are_those_of_the_run(opened: pikepdf.Pdf) -> None:
    """The file and its attachments carry the time of the record, and not of the typesetting."""
    assert str(opened.docinfo.CreationDate).startswith("D:20261120093005")
    assert str(opened.docinfo.ModDate).startswith("D:20261120093005")
    for spec in opened.Root.AF:
        assert str(spec.EF.F.Params.ModDate).startswith("D:20261120093005")
        assert str(spec.EF.F.Params.CreationDate).startswith("D:20261120093005")


def test_another_process_gives_the_same_bytes(content: bytes) -> None:
    """Another hash seed, time zone, language and order of attachments change nothing."""
    script = (
        "import hashlib\n"
        "from tests.report_records import ATTACHED\n"
        "from tests.builders import audit_record\n"
        "from auditkit.law import load_law\n"
        "from auditkit.report.html import render_html\n"
        "from auditkit.report.pdf import render_pdf\n"
        "record, law = audit_record(), load_law()\n"
        "for made in (render_html(record, law), render_pdf(record, law, ATTACHED[::-1])):\n"
        "    print(hashlib.sha256(made).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    expected = [render_html(audit_record(), load_law()), content]
    assert done.stdout.split() == [hashlib.sha256(made).hexdigest() for made in expected]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_page_1_and_the_rest_say_what_the_html_says(content: bytes, tmp_path: Path) -> None:
    """The facts of page 1 are on page 1 of the PDF, and the law's words in the rest."""
    path = tmp_path / "report.pdf"
    path.write_bytes(content)

    def text(*options: str) -> str:
        command = ["pdftotext", *options, str(path), "-"]
        made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return " ".join(made.split())

    first, whole = text("-l", "1"), text()
    for fact in (
        "Circuit evidence report",
        "declared system “Example screening system”",
        "Example Provider GmbH",
        "“toy”, 1,234 parameters",
        audit_record().model.weights_digest,
        "sha256:" + "6" * 64,
        "DEVELOPMENT KEY: it names nobody",
        "Limits of this report",
        "consistent with the declared",
        "not assessed",
        audit_record().run_id,
    ):
        assert fact in first, fact
    for item in load_law().article_13.items:
        assert item.quote in whole, item.id
    for fact in ("Precision 1.0000", "0.7500", "auditkit verify", "not signed", "10 years"):
        assert fact in whole, fact


def test_characters_the_fonts_lack_are_spelled_out_not_borrowed() -> None:
    """No font of the machine is used for a letter that ours lack."""
    record = audit_record()
    system = record.system.model_copy(update={"name": "Ελληνικά Кириллица \u4e2d\u6587"})
    made = render_pdf(record.model_copy(update={"system": system}), load_law())
    with pikepdf.open(io.BytesIO(made)) as document:
        assert "Ελληνικά Кириллица [U+4E2D][U+6587]" in str(document.docinfo.Title)
        names = {
            str(font.BaseFont).partition("+")[2]
            for page in document.pages
            for font in page.Resources.get("/Font", Dictionary()).values()
        }
    assert names == {"Auditkit-Sans", "Auditkit-Sans-Bold", "Auditkit-Mono"}


@pytest.mark.parametrize(
    "body",
    [
        '<p style="not-a-property: 1">x</p>',
        '<img src="file:///etc/hostname" alt="x">',
        '<img src="https://example.invalid/x.png" alt="x">',
        '<link rel="attachment" href="file:///etc/hostname">',
        '<svg viewBox="0 0 1 1"><image href="file:///etc/hostname"/></svg>',
    ],
)
def test_what_cannot_be_laid_out_or_reaches_outside_fails(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A style that is not known and every address that would be fetched stop the report."""
    page = f'<html lang="en"><title>x</title><body>{body}<p>text</p></body></html>'
    monkeypatch.setattr(pdf_module, "page", lambda *_, **__: page)
    with pytest.raises(RenderingError):
        render_pdf(audit_record(), load_law())


def test_missing_system_libraries_come_with_the_line_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error says which packages to install."""

    def missing(name: str) -> object:
        raise OSError("cannot load library 'libgobject-2.0-0'")

    monkeypatch.setattr(layout, "import_module", missing)
    monkeypatch.setattr(pdf_module, "drawable", lambda: None)
    with pytest.raises(EnvironmentUnavailableError) as caught:
        render_pdf(audit_record(), load_law())
    assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0" in caught.value.advice


def test_two_attachments_of_one_name_are_refused() -> None:
    """No attachment replaces another."""
    with pytest.raises(ValueError, match="one name"):
        render_pdf(audit_record(), load_law(), (ATTACHED[0], ATTACHED[0]))


def test_a_lost_attachment_is_noticed(content: bytes) -> None:
    """A file that should be inside and is not stops the report."""
    extra = Attached("lost.txt", b"", "text/plain", "", "Data")
    with pytest.raises(RenderingError, match=r"lost\.txt"):
        pdf_module._check(content, (*ATTACHED, extra))
