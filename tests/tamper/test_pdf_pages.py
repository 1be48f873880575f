"""Pages of a PDF that say something else than the record are refused, whoever seals them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from pikepdf import Dictionary, String
from pyhanko.pdf_utils.generic import StreamObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.names import EVIDENCE, HTML, PDF, POLICY
from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.law import load_law
from auditkit.signing.keys.signer import development_key
from auditkit.signing.pdf import countersign_pdf, sign_pdf
from auditkit.signing.timestamps import PLAIN
from auditkit.verifying import Brought, rendered
from auditkit.verifying.case import Case, read_case
from auditkit.verifying.outcome import NotRunError
from auditkit.verifying.pdf_pages import other_letters, other_parts, other_picture, pdf_words
from auditkit.verifying.printed import html_words, refuse_other_words
from auditkit.verifying.protocol import check
from auditkit.verifying.rendered import pdf_pages, report_html
from tests.conftest import ROOT, SAMPLES
from tests.laid_out import laid_out_once
from tests.signed_runs import NOW

FOLDER = SAMPLES["consistent"]
FILES = {each.name: each.read_bytes() for each in FOLDER.iterdir()}
RECORD = parse_evidence(FILES[EVIDENCE])
with pikepdf.open(io.BytesIO(FILES[PDF])) as _whole:
    N_PAGES = len(_whole.pages)


def again() -> bytes:
    """The pages that the record gives."""
    return laid_out_once(RECORD, load_law())


def changed(change: Callable[[pikepdf.Pdf], None], content: bytes = FILES[PDF]) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        change(pdf)
        pdf.save(out)
    return out.getvalue()


def shown(content: bytes, extended: bytes | None = None) -> Case:
    return Case("run_directory", {**FILES, PDF: content}, (), Brought(), extended=extended)


def swap_letters(pdf: pikepdf.Pdf, number: int = 0) -> None:
    """Two letters that differ change places in the first line that has two."""
    stream = pdf.pages[number].obj.Contents
    written = stream.read_bytes()
    first, second = next(
        (one, other)
        for one, other in zip(
            list(re.finditer(rb"<([0-9a-f]{4})>", written)),
            list(re.finditer(rb"<([0-9a-f]{4})>", written))[1:],
            strict=False,
        )
        if one[1] != other[1]
    )
    parts = written[: first.start(1)], second[1], written[first.end(1) : second.start(1)], first[1]
    stream.write(b"".join([*parts, written[second.end(1) :]]))


def another_letter(pdf: pikepdf.Pdf) -> None:
    stream = pdf.pages[0].obj.Contents
    written = stream.read_bytes()
    every = list(re.finditer(rb"<([0-9a-f]{4})>", written))
    first = next(each for each in every if each[1] != every[0][1])
    stream.write(written[: first.start(1)] + every[0][1] + written[first.end(1) :])


def read_otherwise(pdf: pikepdf.Pdf) -> None:
    """The font says that one letter is another: it is drawn as before, and read by a program otherwise."""
    font = next(iter(pdf.pages[0].obj.Resources.Font.values()))
    lines = font.ToUnicode.read_bytes().split(b"\n")
    first, second = [n for n, line in enumerate(lines) if re.fullmatch(rb"<....> <....>", line)][
        4:6
    ]
    lines[first] = lines[first].split()[0] + b" " + lines[second].split()[1]
    font.ToUnicode.write(b"\n".join(lines))


def drawn_otherwise(pdf: pikepdf.Pdf) -> None:
    """A font draws one letter as another: words are read as before, and look otherwise."""
    font = next(iter(pdf.pages[0].obj.Resources.Font.values()))
    file = font.DescendantFonts[0].FontDescriptor.FontFile2
    drawn = TTFont(io.BytesIO(file.read_bytes()))
    glyphs = drawn["glyf"]
    first, second = [name for name in glyphs.keys() if glyphs[name].numberOfContours > 0][5:7]  # noqa: SIM118
    glyphs.glyphs[first], glyphs.glyphs[second] = glyphs[second], glyphs[first]
    out = io.BytesIO()
    drawn.save(out)
    file.write(out.getvalue())


def repacked_fonts(pdf: pikepdf.Pdf) -> None:
    """As another version of the library that subsets fonts would write them."""
    for font in pdf.pages[0].obj.Resources.Font.values():
        file = font.DescendantFonts[0].FontDescriptor.FontFile2
        file.write(file.read_bytes() + bytes(4))


def other_words_for_a_screen_reader(pdf: pikepdf.Pdf) -> None:
    next(
        each for each in pdf.objects if isinstance(each, Dictionary) and "/Alt" in each
    ).Alt = String("The circuit is consistent with what was declared.")


def other_outline(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Outlines.First.Title = String("Overall result: consistent")


def link_elsewhere(pdf: pikepdf.Pdf) -> None:
    links = [each for page in pdf.pages for each in page.obj.get("/Annots", []) if "/Dest" in each]
    links[0].Dest = next(each.Dest for each in links if each.Dest != links[0].Dest)


def other_title(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        metadata["dc:description"] = "Certified under the AI Act"


def of_all_pages(key: str, value: object) -> Callable[[pikepdf.Pdf], None]:
    """An attribute that every page takes over from the tree of pages, and none states itself."""

    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.Pages[key] = value

    return change


CHANGES: dict[str, tuple[Callable[[pikepdf.Pdf], None], str]] = {
    "a letter": (another_letter, "page 1"),
    "letters in another order": (swap_letters, "page 1"),
    "what a program reads": (read_otherwise, "page 1"),
    "what the font draws": (drawn_otherwise, "page 1"),
    "a page less": (lambda pdf: pdf.pages.__delitem__(3), "page 4"),
    "a page twice": (lambda pdf: pdf.pages.append(pdf.pages[1]), f"page {N_PAGES + 1}"),
    "words for a screen reader": (
        other_words_for_a_screen_reader,
        "the words for a screen reader",
    ),
    "the outline": (other_outline, "the outline"),
    "where a link leads": (link_elsewhere, "the links of page 1"),
    "the description": (other_title, "the metadata"),
    "the language": (lambda pdf: pdf.Root.__setitem__("/Lang", String("xx")), "the settings"),
    "all pages turned": (of_all_pages("/Rotate", 180), "page 1"),
    "all pages cropped": (of_all_pages("/CropBox", pikepdf.Array([0, 300, 595, 842])), "page 1"),
    "a page turned": (lambda pdf: pdf.pages[0].obj.__setitem__("/Rotate", 180), "page 1"),
    "a page cropped": (
        lambda pdf: pdf.pages[0].obj.__setitem__("/CropBox", pikepdf.Array([0, 0, 9, 9])),
        "page 1",
    ),
}


def test_an_honest_report_has_the_pages_of_its_record() -> None:
    """A sealed report, saved anew or not, shows what its record gives."""
    assert "are the same" in pdf_pages(shown(FILES[PDF]))
    assert other_parts(FILES[PDF], changed(lambda _: None)) == ()


@pytest.mark.parametrize("name", CHANGES)
def test_each_other_part_is_named(name: str) -> None:
    """Whatever a reader sees, hears or follows is compared, and the part that differs is named."""
    change, part = CHANGES[name]
    assert part in other_parts(FILES[PDF], changed(change))


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_of_what_is_shown_passes(name: str) -> None:
    """With pages changed in any way and sealed again, the check fails, or says that it compared nothing."""
    change, _part = CHANGES[name]
    with pytest.raises((EvidenceError, NotRunError)):
        pdf_pages(shown(changed(change)))


def test_other_words_fail() -> None:
    """A letter that the record does not give makes the check fail: no library changes letters."""
    with pytest.raises(EvidenceError, match="not what the record gives: page 1 has other words"):
        pdf_pages(shown(changed(another_letter)))


def test_fonts_of_another_library_pass() -> None:
    """Where only the bytes of fonts differ, words and pictures of the pages are compared, and pass."""
    assert "page 1" in other_parts(FILES[PDF], changed(repacked_fonts))
    assert "the same words and pictures" in pdf_pages(shown(changed(repacked_fonts)))


def test_a_picture_is_looked_at_and_not_only_its_words() -> None:
    """A font that draws other letters than it says is seen, with the same words to a program."""
    other = changed(drawn_otherwise)
    assert not other_letters(FILES[PDF], other)
    assert other_picture(FILES[PDF], other) == "page 1 looks otherwise"
    with pytest.raises(NotRunError, match="page 1 looks otherwise"):
        pdf_pages(shown(other))


def drawn_over(content: bytes) -> bytes:
    """The file with page 1's contents replaced in a revision of its own, the bytes before it untouched."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        another_letter(pdf)
        written = pdf.pages[0].obj.Contents.read_bytes()
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    page, _ = writer.find_page_for_modification(0)  # type: ignore[no-untyped-call]
    page.get_object()[pdf_name("/Contents")] = writer.add_object(StreamObject(stream_data=written))
    writer.update_container(page.get_object())
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def test_a_later_revision_cannot_draw_over_a_page(tmp_path: Path) -> None:
    """A file that begins with the honest report and replaces a page before it is sealed fails."""
    replaced = drawn_over(FILES[PDF])
    assert replaced.startswith(FILES[PDF])
    with pytest.raises(EvidenceError, match="page 1 has other words"):
        pdf_pages(shown(replaced))


def test_what_is_signed_later_changes_no_page(tmp_path: Path) -> None:
    """A reviewer's signature leaves the pages as they were; with a page replaced under it the check fails."""
    reviewer = development_key(tmp_path / "reviewer", NOW)
    honest = countersign_pdf(FILES[PDF], reviewer, NOW, PLAIN)
    assert "are the same" in pdf_pages(shown(FILES[PDF], honest))
    with pytest.raises(EvidenceError, match=r"report.extended.pdf shows something else.*page 1"):
        pdf_pages(shown(FILES[PDF], drawn_over(FILES[PDF])))


def test_nothing_is_verified_where_the_pages_cannot_be_laid_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine without the layout's libraries the result is that nobody compared the words."""
    missing = EnvironmentUnavailableError("PDF reports need system libraries")

    def fail(*_: object, **__: object) -> bytes:
        raise missing

    monkeypatch.setattr(rendered, "render_pdf", fail)
    found = check(shown(FILES[PDF]), "run")
    assert (found.result, [each.id for each in found.not_compared]) == (
        "not_compared",
        ["pdf_pages"],
    )


def test_pages_sealed_with_other_words_are_not_verified(tmp_path: Path) -> None:
    """The key holder's own seal over a page with another letter: the lone PDF is refused for it."""
    key = development_key(tmp_path / "key", NOW)
    path = tmp_path / PDF
    with pikepdf.open(io.BytesIO(again())) as pdf:
        another_letter(pdf)
        for name in (EVIDENCE, HTML, POLICY):
            pdf.attachments[name] = FILES[name]
        pdf.Root.AF = pdf.make_indirect(pikepdf.Array([e.obj for e in pdf.attachments.values()]))
        out = io.BytesIO()
        pdf.save(out)
    path.write_bytes(sign_pdf(out.getvalue(), key, NOW))
    assert check(read_case(path), "report.pdf").failed == ("pdf_pages",)


def test_another_page_edition_is_searched_for_what_every_edition_prints() -> None:
    """Run, weights, tasks, limits and the verdict as the result: a report that lacks one is refused."""
    words = html_words(FILES[HTML])
    refuse_other_words(RECORD, words, HTML)
    refuse_other_words(RECORD, pdf_words(FILES[PDF]), PDF)
    for text in (RECORD.run_id, RECORD.model.weights_digest, RECORD.limitations[0].text):
        with pytest.raises(EvidenceError, match="does not say what the record does"):
            refuse_other_words(RECORD, words.replace(text, ""), HTML)
    result = "Overall result consistent"
    assert result in words
    for other in ("Overall result not consistent", "Overall result inconclusive", ""):
        with pytest.raises(EvidenceError, match="states another result"):
            refuse_other_words(RECORD, words.replace(result, other), HTML)


@pytest.mark.parametrize("name", ["consistent", "applicant_screening", "inconclusive"])
@pytest.mark.parametrize("edition", ["edition-1", "edition-2"])
def test_old_reports_hold_what_every_edition_prints(edition: str, name: str) -> None:
    """Reports of both older editions name run, weights, tasks, limits and result, in HTML and PDF."""
    folder = ROOT / "tests" / "compat" / edition / name
    record = parse_evidence((folder / EVIDENCE).read_bytes())
    refuse_other_words(record, html_words((folder / HTML).read_bytes()), HTML)
    refuse_other_words(record, pdf_words((folder / PDF).read_bytes()), PDF)


def test_an_old_report_of_another_result_fails() -> None:
    """An older record beside the HTML of another is a failure, and not only something not compared."""
    folder = ROOT / "tests" / "compat" / "edition-2"
    files = {each.name: each.read_bytes() for each in (folder / "consistent").iterdir()}
    files[HTML] = (folder / "inconclusive" / HTML).read_bytes()
    with pytest.raises(EvidenceError, match="does not say what the record does"):
        report_html(Case("run_directory", files, (), Brought()))
