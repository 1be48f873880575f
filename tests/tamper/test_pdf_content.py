"""A PDF that acts, hides, or holds a file twice is refused, whoever seals it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, AttachedFileSpec, Dictionary, Name, String

from auditkit.bundle.evidence import parse_evidence
from auditkit.errors import EvidenceError
from auditkit.report.view import document_title
from auditkit.signing.keys.signer import development_key
from auditkit.signing.pdf import sign_pdf
from auditkit.verifying.case import read_case
from auditkit.verifying.pdf_content import attached_names, refuse_what_acts
from auditkit.verifying.protocol import check
from tests.conftest import SAMPLES
from tests.signed_runs import NOW

SAMPLE = (SAMPLES["consistent"] / "report.pdf").read_bytes()
TITLE = document_title(parse_evidence((SAMPLES["consistent"] / "evidence.json").read_bytes()))
SCRIPT = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def changed(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(SAMPLE)) as pdf:
        change(pdf)
        pdf.save(out)
    return out.getvalue()


def root(**values: object) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        for name, value in values.items():
            pdf.Root[f"/{name}"] = value

    return change


def annotated(**values: object) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        mark = pdf.make_indirect(Dictionary(Type=Name.Annot, Rect=Array([0, 0, 595, 842])))
        for name, value in values.items():
            mark[f"/{name}"] = value
        pdf.pages[0].obj.Annots.append(mark)
        if values["Subtype"] == Name.Widget:
            pdf.Root.AcroForm.Fields.append(mark)

    return change


def scripts(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Names.JavaScript = Dictionary(Names=Array([String("x"), SCRIPT]))


def page_action(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].obj.AA = Dictionary(O=SCRIPT)


def outline_out(pdf: pikepdf.Pdf) -> None:
    entry = pdf.Root.Outlines.First
    entry.A = Dictionary(S=Name.URI, URI=String("https://example.com"))


def alternate_picture(pdf: pikepdf.Pdf) -> None:
    picture = pdf.make_stream(b"", Type=Name.XObject, Subtype=Name.Image)
    picture.Alternates = Array([Dictionary(Image=picture)])
    pdf.pages[0].obj.Resources.XObject = Dictionary(X=picture)


ACTING: dict[str, tuple[Callable[[pikepdf.Pdf], None], str]] = {
    "a script at opening": (root(OpenAction=SCRIPT), "/OpenAction"),
    "layers": (root(OCProperties=Dictionary(OCGs=Array())), "/OCProperties"),
    "other numbers of pages": (root(PageLabels=Dictionary(Nums=Array())), "/PageLabels"),
    "a portfolio": (root(Collection=Dictionary()), "/Collection"),
    "named scripts": (scripts, "/JavaScript"),
    "a script of a page": (page_action, "/AA"),
    "an outline that leads out": (outline_out, "action of the kind /URI"),
    "another picture for printing": (alternate_picture, "/Alternates"),
    "a link that leads out": (
        annotated(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String("https://example.com"))),
        "action of the kind /URI",
    ),
    "a note over the page": (
        annotated(Subtype=Name.FreeText, Contents=String("consistent")),
        "page 1 of the PDF holds an annotation",
    ),
    "a stamp over the page": (
        annotated(Subtype=Name.Stamp),
        "page 1 of the PDF holds an annotation",
    ),
    "a field to fill in": (
        annotated(Subtype=Name.Widget, FT=Name.Tx, T=String("x"), V=String("consistent")),
        "page 1 of the PDF holds an annotation",
    ),
    "a link with a face": (
        annotated(Subtype=Name.Link, Dest=String("limits"), AP=Dictionary()),
        "page 1 of the PDF holds an annotation",
    ),
    "another file on a mark": (
        annotated(Subtype=Name.FileAttachment),
        "page 1 of the PDF holds an annotation",
    ),
}


@pytest.mark.parametrize(("change", "said"), ACTING.values(), ids=ACTING)
def test_what_acts_or_hides_is_refused(change: Callable[[pikepdf.Pdf], None], said: str) -> None:
    """Wherever it stands, and by name."""
    with pytest.raises(EvidenceError, match=said):
        refuse_what_acts(changed(change), None)


def test_honest_files_hold_nothing_of_it() -> None:
    """Every sample, with the title that its record gives and exactly three files."""
    for folder in SAMPLES.values():
        content = (folder / "report.pdf").read_bytes()
        record = parse_evidence((folder / "evidence.json").read_bytes())
        refuse_what_acts(content, document_title(record))
        assert attached_names(content) == ("evidence.json", "policy.yaml", "report.html")


def test_another_title_is_refused() -> None:
    """The window of a reader's program shows it above the page."""

    def change(pdf: pikepdf.Pdf) -> None:
        pdf.docinfo["/Title"] = "Overall result: consistent"

    with pytest.raises(EvidenceError, match="the PDF is titled"):
        refuse_what_acts(changed(change), TITLE)


def file_named(pdf: pikepdf.Pdf, name: str) -> pikepdf.Object:
    """A file to attach that is not the record."""
    spec = AttachedFileSpec(
        pdf, b"{}", filename=name, description="", mime_type="", creation_date="", mod_date=""
    )
    return pdf.make_indirect(spec.obj)


def twice(pdf: pikepdf.Pdf) -> None:
    names = pdf.Root.Names.EmbeddedFiles.Names
    names.append(names[0])
    names.append(file_named(pdf, "evidence.json"))


def renamed(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Names.EmbeddedFiles.Names[1].UF = String("evidence-final.json")


def two_contents(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Names.EmbeddedFiles.Names[1].EF.UF = pdf.make_stream(b"{}")


def another_associated(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AF.append(file_named(pdf, "x.json"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (twice, "two files of one name"),
        (renamed, "otherwise in another place"),
        (two_contents, "more than one file as"),
        (another_associated, "associated with the PDF"),
    ],
)
def test_an_attached_file_is_one_by_every_way_to_it(
    change: Callable[[pikepdf.Pdf], None], said: str
) -> None:
    """One reader's program takes the first of a name, another the last, a third the associated one."""
    with pytest.raises(EvidenceError, match=said):
        attached_names(changed(change))


def test_whoever_holds_the_key_cannot_seal_a_script(tmp_path: Path) -> None:
    """The lone PDF, sealed anew: check 20 fails."""
    path = tmp_path / "report.pdf"
    unsealed = changed(root(OpenAction=SCRIPT))
    with pikepdf.open(io.BytesIO(unsealed)) as pdf:
        del pdf.Root.AcroForm, pdf.Root.Perms
        for page in pdf.pages:
            marks = page.obj.get("/Annots", Array())
            page.obj.Annots = Array([each for each in marks if each.Subtype != Name.Widget])
        out = io.BytesIO()
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    path.write_bytes(sign_pdf(out.getvalue(), development_key(tmp_path / "key", NOW), NOW))
    result = check(read_case(path), str(path))
    assert "pdf_content" in result.failed
    (found,) = [each for each in result.checks if each.id == "pdf_content"]
    assert "/OpenAction" in found.detail
