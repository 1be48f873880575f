"""The structure of the PDF, as a reader without sight meets it: always checked, with no other tool.

veraPDF checks far more (``tests/integration/test_sample_reports.py``), where there is one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from auditkit.law import load_law
from auditkit.report.pdf import Attached, render_pdf
from tests.builders import audit_record
from tests.conftest import SAMPLES

HEADINGS = {f"/H{level}": level for level in range(1, 7)}
SHOWS_TEXT = {"Tj", "TJ", "'", '"'}
DRAWS = {"f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "sh", "Do", "EI"} | SHOWS_TEXT
ATTACHED = Attached("evidence.json", b"{}", "application/json", "The record", "Data")


def hand_made() -> bytes:
    return render_pdf(audit_record(), load_law(), (ATTACHED,))


@pytest.fixture(scope="module", params=["hand-made", *SAMPLES])
def pdf(request: pytest.FixtureRequest) -> Iterator[pikepdf.Pdf]:
    """The hand-made record as a PDF, and each signed sample."""
    folder: Path | None = SAMPLES.get(request.param)
    content = (folder / "report.pdf").read_bytes() if folder else hand_made()
    with pikepdf.open(io.BytesIO(content)) as opened:
        yield opened


def below(node: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """Every element of the structure tree below a node, in reading order."""
    if isinstance(node, Array):
        for child in node:
            yield from below(child)
    elif isinstance(node, Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from below(node.K)


def tree(pdf: pikepdf.Pdf) -> list[pikepdf.Object]:
    return list(below(pdf.Root.StructTreeRoot.K))


def kinds_below(element: pikepdf.Object) -> list[str]:
    return [str(inner.S) for inner in below(element.K)] if "/K" in element else []


def untagged(page: pikepdf.Page) -> list[str]:
    """Each operator that draws outside of marked content: neither tagged nor marked as an artifact."""
    depth, found = 0, []
    for instruction in pikepdf.parse_content_stream(page):
        name = str(instruction.operator)
        if name in {"BDC", "BMC"}:
            depth += 1
        elif name == "EMC":
            depth -= 1
        elif name in DRAWS and depth == 0:
            found.append(f"{name} {list(instruction.operands)}"[:80])
    return found


def test_every_page_is_tagged(pdf: pikepdf.Pdf) -> None:
    """Each page belongs to the structure tree, and all that it draws is content or an artifact."""
    assert bool(pdf.Root.MarkInfo.Marked)
    for number, page in enumerate(pdf.pages, start=1):
        assert "/StructParents" in page, number
        assert untagged(page) == [], number


def test_headings_come_in_order(pdf: pikepdf.Pdf) -> None:
    """One heading of the first level, first of all; none skips a level on the way down."""
    levels = [HEADINGS[str(one.S)] for one in tree(pdf) if str(one.S) in HEADINGS]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert len(levels) > 15
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_figure_says_in_words_what_it_shows(pdf: pikepdf.Pdf) -> None:
    """No figure is without its alternative text."""
    figures = [one for one in tree(pdf) if str(one.S) == "/Figure"]
    assert figures
    assert all(len(str(figure.get("/Alt", ""))) > 20 for figure in figures)


def test_every_table_has_header_cells(pdf: pikepdf.Pdf) -> None:
    """Each table heads its rows or its columns, each header cell says which, and rows are of cells."""
    tables = [one for one in tree(pdf) if str(one.S) == "/Table"]
    assert len(tables) > 10
    for table in tables:
        assert "/TH" in kinds_below(table)
    for element in tree(pdf):
        if str(element.S) == "/TH":
            assert element.A.Scope in {Name.Row, Name.Column}
        if str(element.S) == "/TR":
            assert {str(cell.S) for cell in element.K} <= {"/TH", "/TD"}


def test_lists_are_of_items_with_bodies(pdf: pikepdf.Pdf) -> None:
    """A list holds items, and each item its body."""
    lists = [one for one in tree(pdf) if str(one.S) == "/L"]
    assert lists
    for one in lists:
        assert {str(item.S) for item in one.K} <= {"/LI", "/Caption"}
        assert all("/LBody" in kinds_below(item) for item in one.K if str(item.S) == "/LI")


def test_links_are_in_the_tree_and_say_where_they_lead(pdf: pikepdf.Pdf) -> None:
    """Each link on a page is an element of the tree, and has words of its own."""
    annotations = [one for page in pdf.pages for one in page.get("/Annots", Array())]
    links = [one for one in annotations if one.Subtype == Name.Link]
    assert links
    assert all("/StructParent" in link and "/Contents" in link for link in links)
    assert [str(one.S) for one in tree(pdf)].count("/Link") >= len({str(x.Contents) for x in links})


def test_pages_follow_the_tree_when_tabbed_through(pdf: pikepdf.Pdf) -> None:
    """Where a page has annotations, the tabulator follows the structure (ISO 14289-1, 7.18.3)."""
    pages = [page for page in pdf.pages if "/Annots" in page]
    assert pages
    assert {str(page.get("/Tabs", "")) for page in pages} == {"/S"}


def test_language_and_title_are_stated_and_shown(pdf: pikepdf.Pdf) -> None:
    """The document has a language and a title, and a reader shows the title and not the file's name."""
    assert str(pdf.Root.Lang) == "en"
    assert str(pdf.docinfo.Title).startswith("Circuit evidence report: ")
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert str(pdf.docinfo.Title) in pdf.Root.Metadata.read_bytes().decode()


def test_every_attachment_says_how_it_belongs(pdf: pikepdf.Pdf) -> None:
    """Each attached file is associated with the document, by a relationship, a type and words."""
    associated = {str(one.UF): one for one in pdf.Root.AF}
    assert associated.keys() == set(pdf.attachments)
    for one in associated.values():
        assert str(one.AFRelationship) in {"/Data", "/Source", "/Alternative"}
        assert str(one.EF.F.Subtype).startswith(("/application/", "/text/"))
        assert len(str(one.Desc)) > 5
