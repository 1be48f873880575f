"""The picture of a seal: what it says, that it lies on nothing, and that no signature is lost by it.

Its place in the structure is checked in ``test_pdf_structure``; whole runs with one are made by the
command line in ``tests/integration/test_sign_command.py``.
"""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from auditkit.errors import EvidenceError
from auditkit.law import load_law
from auditkit.records.audit import AuditRecord, PadesLevel
from auditkit.report import stamp as stamping
from auditkit.report.html import render_html
from auditkit.report.layout import RenderingError, font_style, laid_out
from auditkit.report.pdf import render_pdf
from auditkit.report.stamp import PLACE_STYLE, STAMP_KEYS, Stamp, stamp_of
from auditkit.signing.pdf import REVIEWER_FIELD, SEAL_FIELD, countersign_pdf, renew_pdf, sign_pdf
from auditkit.signing.seal import check_pdf_signature
from auditkit.signing.trial import signing_of
from auditkit.signing.trust import judge_pdf
from tests.builders import audit_record, with_visible_seal
from tests.pki import Pki
from tests.report_records import ATTACHED
from tests.report_text import differences
from tests.signers import key, nothing, now, plan, soon, update

JUDGED = "Whether this seal holds is judged with auditkit verify, and not by this picture."
SUBJECT = "CN=Example Seal,O=Example Provider GmbH,C=AT"
EACH_KEY = pytest.mark.parametrize("level", STAMP_KEYS)


def record_signed(pki: Pki, level: PadesLevel) -> AuditRecord:
    """A record that states this key's signature, and that it is seen."""
    stated = signing_of(key(pki, "signer"), plan(pki, level), visible=True)
    return audit_record().model_copy(update={"signing": stated})


def words_of(record: AuditRecord) -> str:
    return "\n".join(stamp_of(record, b"x").lines)


@pytest.fixture(scope="module", params=["B-B", "B-LTA"])
def sealed(pki: Pki, request: pytest.FixtureRequest) -> tuple[PadesLevel, bytes]:
    """A level, and a page sealed at it that shows the seal: every object is compared at each check,
    and those of a whole report take seconds."""
    level: PadesLevel = request.param
    pdf = one_page(stamp_of(record_signed(pki, level), b"x"))
    return level, sign_pdf(pdf, key(pki, "signer"), now(), plan(pki, level))


@pytest.fixture(scope="module")
def reviewed(pki: Pki, sealed: tuple[PadesLevel, bytes]) -> bytes:
    level, pdf = sealed
    return countersign_pdf(pdf, key(pki, "reviewer"), now(), plan(pki, level))


def one_page(stamp: Stamp) -> bytes:
    """A page with nothing but one word and the picture, made as those of a report are."""
    style = font_style() + PLACE_STYLE + '* { font-family: "Auditkit Sans" }'
    place = f'<p class="place-of-seal"><a id="{stamping._PLACE}" href="#{stamping._PLACE}"></a></p>'
    head = f'<html lang="en"><head><title>Report</title><style>{style}</style></head>'
    out = io.BytesIO()
    with pikepdf.open(
        io.BytesIO(laid_out(f"{head}<body><p>Report</p>{place}</html>", b"x"))
    ) as pdf:
        stamping.place(stamp, pdf)
        pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def widget(pdf: pikepdf.Pdf) -> pikepdf.Object:
    (found,) = (one for one in pdf.pages[0].Annots if one.get("/T") == SEAL_FIELD)
    return found


# What it says


def test_it_names_the_signer_the_level_and_what_judges_it(
    sealed: tuple[PadesLevel, bytes], tmp_path: Path
) -> None:
    """The words of the certificate, the level, ``auditkit verify``; and they are what is read aloud."""
    level, content = sealed
    path = tmp_path / "report.pdf"
    path.write_bytes(content)
    command = ["pdftotext", "-raw", "-l", "1", str(path), "-"]
    text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    word, heading, *lines = text.strip("\f\n").splitlines()
    assert word == "Report"
    assert heading.startswith("ORGANISATION CERTIFICATE")
    assert lines == [
        f"Sealed by (name as the certificate states it): “{SUBJECT}”",
        f"Level of the signature: PAdES {level}. {JUDGED}",
    ]
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert str(widget(pdf).Contents) == " ".join((heading, *lines))
        assert str(widget(pdf).TU) == "Seal of the report"


@EACH_KEY
def test_it_says_what_kind_of_key_it_is_and_states_no_time(level: str) -> None:
    """A development key is called one; no word of a picture is a time, a validity or a quality."""
    words = words_of(with_visible_seal(audit_record(), key_level=level))
    assert ("DEVELOPMENT KEY: it names nobody" in words) == (level == "development")
    assert ("SELF-SIGNED CERTIFICATE" in words) == (level == "self_signed")
    assert "not" in words.splitlines()[0]
    assert re.search(r"\d{2}[:.-]\d{2}|20\d\d|\bvalid\b|\bUTC\b", words) is None


@pytest.mark.parametrize(
    "subject", ["", "CN=<b>\u202egro.live</b>" + "W" * 300 + "\u4e2d\u6587" * 60]
)
def test_any_name_fits_and_is_shown_as_it_is(subject: str, tmp_path: Path) -> None:
    """Long names are cut with an ellipsis; what cannot be drawn or is hidden is spelled out."""
    record = with_visible_seal(audit_record(), subject=subject)
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(render_pdf(record, load_law()))
    words = words_of(record)
    assert differences(render_html(record, load_law()).decode(), pdf, words) == []
    assert ("\N{HORIZONTAL ELLIPSIS}" in words) == (len(subject) > 40)
    assert ("no name" in words) == (subject == "")
    assert ("[U+202E]" in words) == ("\u202e" in subject)


def test_words_that_do_not_fit_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A translation that needs more lines than there are fails; nothing is left out unseen."""
    monkeypatch.setitem(STAMP_KEYS, "development", "Many words. " * 60)
    with pytest.raises(RenderingError, match="does not fit"):
        render_pdf(with_visible_seal(audit_record()), load_law())


# Where it is


def test_only_a_report_that_asks_for_it_has_it(
    tmp_path: Path, hand_made_pdf: bytes, visible_pdf: bytes
) -> None:
    """By default no page shows a seal, and the HTML never does; where it is, page 1 says what it is."""
    plain, visible = audit_record(), with_visible_seal(audit_record())
    with pikepdf.open(io.BytesIO(hand_made_pdf)) as pdf:
        assert "/AcroForm" not in pdf.Root
    pages = [render_html(record, load_law()).decode() for record in (plain, visible)]
    assert ["shows a picture of the seal" in page for page in pages] == [False, True]
    assert not any("place-of-seal" in page for page in pages)
    path = tmp_path / "report.pdf"
    path.write_bytes(visible_pdf)
    assert differences(pages[1], path, words_of(visible)) == []


def test_it_lies_on_no_text(tmp_path: Path, visible_pdf: bytes) -> None:
    """No word of the page itself is where the picture is drawn."""
    path = tmp_path / "report.pdf"
    with pikepdf.open(io.BytesIO(visible_pdf)) as pdf:
        place, height = (
            pikepdf.Rectangle(pikepdf.Array(widget(pdf).Rect)),
            float(pdf.pages[0].mediabox[3]),
        )
        left, right = float(place.llx), float(place.urx)
        top, bottom = height - float(place.ury), height - float(place.lly)
        del pdf.pages[0].Annots
        pdf.save(path)
    command = ["pdftotext", "-bbox", "-l", "1", str(path), "-"]
    text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    found = re.findall(r'xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)"', text)
    boxes = [tuple(float(side) for side in box) for box in found]
    assert len(boxes) > 200
    assert bottom - top > 50
    assert not [
        box
        for box in boxes
        if box[0] < right and box[2] > left and box[1] < bottom and box[3] > top
    ]


def test_a_page_without_one_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is put nowhere but where the page keeps room for it."""
    monkeypatch.setattr(stamping, "_PLACE", "another")
    with pytest.raises(RenderingError, match="not one place"):
        render_pdf(with_visible_seal(audit_record()), load_law())


def test_the_same_record_gives_the_same_bytes(visible_pdf: bytes) -> None:
    """Before it is signed, nothing of a report with a picture is left to chance."""
    record = with_visible_seal(audit_record())
    assert render_pdf(record, load_law(), ATTACHED) == visible_pdf


def drawn(form: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """A drawing, and the drawings in it."""
    yield form
    inner = form.Resources.get("/XObject", pikepdf.Dictionary())
    for name in sorted(inner.keys()):
        yield from drawn(inner[name])


def test_nothing_of_it_is_transparent_or_changes_with_its_state(
    sealed: tuple[PadesLevel, bytes],
) -> None:
    """One appearance, opaque, with no structure of its own, as large as its place."""
    with pikepdf.open(io.BytesIO(sealed[1])) as pdf:
        field = widget(pdf)
        assert set(field.AP.keys()) == {"/N"}
        assert "/V" in field
        box, place = (
            pikepdf.Rectangle(pikepdf.Array(each)) for each in (field.AP.N.BBox, field.Rect)
        )
        assert abs(box.width - place.width) < 1
        assert abs(box.height - place.height) < 1
        for form in drawn(field.AP.N):
            assert "/SMask" not in form
            assert "/StructParents" not in form
            assert not {"BDC", "BMC"} & {
                str(one.operator) for one in pikepdf.parse_content_stream(form)
            }
            states = form.Resources.get("/ExtGState", pikepdf.Dictionary())
            for state in (states[name] for name in sorted(states.keys())):
                assert {float(state.get(each, 1)) for each in ("/ca", "/CA")} == {1.0}
                assert str(state.get("/SMask", "/None")) == "/None"


# Signatures on a report that shows its seal


def test_seal_review_and_renewal_hold(
    pki: Pki, sealed: tuple[PadesLevel, bytes], reviewed: bytes
) -> None:
    """At B-B and B-LTA: the seal, a second signature beside it, and one more timestamp."""
    level, pdf = sealed
    root = [pki.pem("root")]
    for content, fields in ((pdf, (SEAL_FIELD,)), (reviewed, (SEAL_FIELD, REVIEWER_FIELD))):
        status = check_pdf_signature(content, [])
        assert (status.problems, status.level, status.visible) == ((), level, True)
        for field in fields:
            judge_pdf(content, root, soon(), level, field)
    if level == "B-LTA":
        renewed = renew_pdf(reviewed, root, pki.tsa_url)
        assert check_pdf_signature(renewed, []).problems == ()
        judge_pdf(renewed, root, soon(days=3653), level)


def test_pdfsig_shows_both_signatures(reviewed: bytes, tmp_path: Path) -> None:
    """Another program finds them in their fields, and both intact."""
    path = tmp_path / "report.pdf"
    path.write_bytes(reviewed)
    done = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, encoding="utf-8")
    blocks = re.split(r"Signature #\d+:", done.stdout)[1:]
    for field, name in ((SEAL_FIELD, "Example Seal"), (REVIEWER_FIELD, "Rita Reviewer")):
        (block,) = (each for each in blocks if f"Signature Field Name: {field}" in each)
        assert f"Signer Certificate Common Name: {name}" in block
        assert "Signature is Valid" in block


def changing(name: str, value: Any, field_name: str = SEAL_FIELD) -> Callable[..., None]:  # noqa: ANN401
    """A change of one entry of a field."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        fields = [each.get_object() for each in writer.root["/AcroForm"]["/Fields"]]
        (field,) = (each for each in fields if each["/T"] == field_name)
        field[generic.NameObject(name)] = value
        writer.mark_update(field.container_ref)

    return change


def numbers(*values: int) -> generic.ArrayObject:
    return generic.ArrayObject([generic.NumberObject(value) for value in values])  # type: ignore[no-untyped-call]


def another_picture(writer: IncrementalPdfFileWriter) -> None:
    names = {"/Type": "/XObject", "/Subtype": "/Form"}
    entries = {generic.NameObject(k): generic.NameObject(v) for k, v in names.items()}
    stream = generic.StreamObject(entries, stream_data=b"0 0 10 10 re f")
    stream[generic.NameObject("/BBox")] = numbers(0, 0, 10, 10)
    picture = {generic.NameObject("/N"): writer.add_object(stream)}
    changing("/AP", generic.DictionaryObject(picture))(writer)  # type: ignore[no-untyped-call]


def another_drawing(writer: IncrementalPdfFileWriter) -> None:
    fields = [each.get_object() for each in writer.root["/AcroForm"]["/Fields"]]
    (field,) = (each for each in fields if each["/T"] == SEAL_FIELD)
    picture = field["/AP"]["/N"]
    stream = generic.StreamObject(dict(picture), stream_data=b"0 0 10 10 re f")
    field["/AP"][generic.NameObject("/N")] = writer.add_object(stream)
    writer.mark_update(field.container_ref)


CHANGES = {
    "another picture": another_picture,
    "another drawing": another_drawing,
    "moved": changing("/Rect", numbers(0, 0, 300, 300)),
    "hidden": changing("/F", generic.NumberObject(2)),  # type: ignore[no-untyped-call]
    "other words": changing("/Contents", generic.TextStringObject("QUALIFIED SEAL")),
    "another name": changing("/TU", generic.TextStringObject("QUALIFIED SEAL")),
    "the other field over it": changing("/Rect", numbers(45, 600, 550, 720), REVIEWER_FIELD),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_later_revision_changes_the_picture(
    pki: Pki, sealed: tuple[PadesLevel, bytes], reviewed: bytes, name: str
) -> None:
    """Under a fresh timestamp over the whole file, signed once or twice, the change is found."""
    for content in (sealed[1], reviewed):
        assert check_pdf_signature(update(content, nothing, pki.tsa_url), []).problems == ()
        try:
            status = check_pdf_signature(update(content, CHANGES[name], pki.tsa_url), [])
        except EvidenceError:
            continue
        assert "the file was changed after signing" in " ".join(status.problems)
