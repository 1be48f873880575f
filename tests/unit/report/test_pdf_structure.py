"""The structure of the PDF, as a reader without sight meets it: always checked, with no other tool.

veraPDF checks far more (``tests/integration/test_sample_reports.py``), where there is one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from auditkit.signing.keys.signer import development_key
from auditkit.signing.pdf import REVIEWER_FIELD, SEAL_FIELD, sign_pdf
from tests.conftest import SAMPLES

HEADINGS = {f"/H{level}": level for level in range(1, 7)}
SHOWS_TEXT = {"Tj", "TJ", "'", '"'}
DRAWS = {"f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "sh", "Do", "EI"} | SHOWS_TEXT


def sealed(pdf: bytes, folder: Path) -> bytes:
    """The PDF, signed just now."""
    now = datetime.now(UTC).replace(microsecond=0)
    return sign_pdf(pdf, development_key(folder, now), now)


@pytest.fixture(scope="module", params=["hand-made", "visibly sealed", *SAMPLES])
def pdf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pikepdf.Pdf]:
    """The hand-made record as a PDF, the same with a visible seal and signed, each signed sample."""
    if request.param == "hand-made":
        content = request.getfixturevalue("hand_made_pdf")
    elif request.param == "visibly sealed":
        visible: bytes = request.getfixturevalue("visible_pdf")
        content = sealed(visible, tmp_path_factory.mktemp("keys") / "keys")
    else:
        content = (SAMPLES[request.param] / "report.pdf").read_bytes()
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


def fonts_of(resources: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """The fonts that resources name, and those of what is drawn inside."""
    fonts = resources.get("/Font", Dictionary())
    yield from (fonts[name] for name in sorted(fonts.keys()))
    drawings = resources.get("/XObject", Dictionary())
    for name in sorted(drawings.keys()):
        yield from fonts_of(drawings[name].get("/Resources", Dictionary()))


def test_every_font_is_in_the_file(pdf: pikepdf.Pdf) -> None:
    """Of pages and of what annotations show, and no font that a form would name beside them."""
    drawn = [page.Resources for page in pdf.pages]
    shown = [one.AP.N for page in pdf.pages for one in page.get("/Annots", []) if "/AP" in one]
    fonts = [
        font for each in [*drawn, *(one.Resources for one in shown)] for font in fonts_of(each)
    ]
    assert len(fonts) > len(pdf.pages)
    for font in fonts:
        (inner,) = font.DescendantFonts
        assert "/FontFile2" in inner.FontDescriptor
        assert str(font.BaseFont) == str(inner.BaseFont) == str(inner.FontDescriptor.FontName)
    parts = {(str(one.BaseFont), one.DescendantFonts[0].FontDescriptor.objgen) for one in fonts}
    assert len({name for name, _part in parts}) == len(parts)
    assert "/DR" not in pdf.Root.get("/AcroForm", Dictionary())


def test_every_annotation_that_is_seen_is_an_element_of_its_kind(pdf: pikepdf.Pdf) -> None:
    """The structure's table of parents leads to an element that holds just that annotation."""
    numbers = pdf.Root.StructTreeRoot.ParentTree.Nums
    parents = {int(numbers[n]): numbers[n + 1] for n in range(0, len(numbers), 2)}
    kinds = {"/Link": "/Link", "/Widget": "/Form"}
    places = {
        (n, one.objgen) for n, page in enumerate(pdf.pages) for one in page.get("/Annots", [])
    }
    elements = {one.objgen for one in tree(pdf)}
    for number, objgen in places:
        annotation = pdf.get_object(objgen)
        corners = pikepdf.Rectangle(pikepdf.Array(annotation.Rect))
        if not (corners.width and corners.height):
            assert str(annotation.T) in {SEAL_FIELD, REVIEWER_FIELD}
            continue
        element = parents[int(annotation.StructParent)]
        assert element.objgen in elements
        assert str(element.S) == kinds[str(annotation.Subtype)]
        held = [
            one.Obj.objgen for one in element.K if isinstance(one, Dictionary) and "/Obj" in one
        ]
        assert held == [objgen]
        assert element.Pg.objgen == pdf.pages[number].objgen
        assert int(annotation.F) & 0b100111 == 0b100  # printed, and not hidden


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
