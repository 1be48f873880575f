"""PAdES levels against a real public key infrastructure: what holds, how long, and what breaks it."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import get_args

import pikepdf
import pytest
from asn1crypto import cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import context
from pyhanko_certvalidator.ltv import ades_past, poe

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.records.audit import PadesLevel
from auditkit.signing import accepted, trust
from auditkit.signing.accepted import require_accepted_stamp
from auditkit.signing.cades import check_detached, judge_detached, sign_detached
from auditkit.signing.keys.signer import development_key
from auditkit.signing.pdf import (
    REVIEWER_FIELD,
    SEAL_FIELD,
    countersign_pdf,
    renew_pdf,
    sign_pdf,
)
from auditkit.signing.seal import check_pdf_signature, revision_end, time_of, tokens, tokens_of
from auditkit.signing.timestamps import Plan
from auditkit.signing.trial import require_level, try_signing
from auditkit.signing.trust import judge_pdf
from tests.pki import Pki
from tests.signers import key, nothing, now, plan, private_key, soon, stamp_by, update

LEVELS: tuple[PadesLevel, ...] = get_args(PadesLevel)


@pytest.fixture(scope="module")
def page() -> bytes:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.pages[0].Contents = pdf.make_stream(b"BT ET % as signed")
    pdf.docinfo["/Title"] = "The title as signed"
    with pdf.open_metadata() as metadata:
        metadata["dc:title"] = "The title as signed"
    pdf.attachments["evidence.json"] = b"{}"
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


@pytest.fixture(scope="module")
def signed(pki: Pki, page: bytes) -> dict[PadesLevel, bytes]:
    return {level: sign_pdf(page, key(pki, "signer"), now(), plan(pki, level)) for level in LEVELS}


@pytest.fixture(scope="module")
def reviewed(pki: Pki, signed: dict[PadesLevel, bytes]) -> bytes:
    return countersign_pdf(signed["B-LTA"], key(pki, "reviewer"), now(), plan(pki, "B-LTA"))


@pytest.fixture(scope="module")
def archive(pki: Pki, signed: dict[PadesLevel, bytes], reviewed: bytes) -> dict[str, bytes]:
    renewed = renew_pdf(reviewed, [pki.pem("root")], pki.tsa_url)
    return {"signed": signed["B-LTA"], "reviewed": reviewed, "renewed": renewed}


# What each level holds, and how long


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_is_reached_exactly(
    pki: Pki, signed: dict[PadesLevel, bytes], level: PadesLevel
) -> None:
    """The file holds what the level asks for, no more and no less, and covers itself to its end."""
    status = check_pdf_signature(signed[level], [])
    assert status.problems == ()
    assert (status.level, status.timestamps) == (level, int(level == "B-LTA"))
    again = require_level(signed[level], key(pki, "signer"), plan(pki, level), soon())
    assert again == signed[level]


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_holds_today(
    pki: Pki, signed: dict[PadesLevel, bytes], level: PadesLevel
) -> None:
    """With the root alone, offline, the chain is found and the signature holds now."""
    said = judge_pdf(signed[level], [pki.pem("root")], soon(), level)
    assert ("signer's own word" in said) == (level == "B-B")
    assert ("not revoked then" in said) == (level in {"B-LT", "B-LTA"})


def test_archived_signature_holds_ten_years_later(
    pki: Pki, signed: dict[PadesLevel, bytes]
) -> None:
    """Eight years after its certificate ended, and while the timestamp's lasts, a B-LTA holds."""
    root = [pki.pem("root")]
    for years in (1, 5, 10, 14):
        judge_pdf(signed["B-LTA"], root, soon(days=365.25 * years), "B-LTA")
    with pytest.raises(EvidenceError, match="cannot be validated"):
        judge_pdf(signed["B-LTA"], root, soon(days=365.25 * 16), "B-LTA")


class Later(datetime):
    """A clock that is ten years ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The present moment and ten years."""
        return datetime.now(tz) + timedelta(days=3653)


@pytest.mark.parametrize("what", ["signed", "reviewed", "renewed"])
def test_archived_signature_holds_on_a_machine_ten_years_later(
    pki: Pki, archive: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """pyHanko reads the clock where it is not handed a moment: the same holds when that is later too."""
    for module in (ades_past, poe, context):
        monkeypatch.setattr(module, "datetime", Later)
    fields = (SEAL_FIELD,) if what == "signed" else (SEAL_FIELD, REVIEWER_FIELD)
    for field in fields:
        judge_pdf(archive[what], [pki.pem("root")], Later.now(UTC), "B-LTA", field)


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT"])
def test_other_levels_do_not_hold_ten_years_later_and_say_why(
    pki: Pki, signed: dict[PadesLevel, bytes], level: PadesLevel
) -> None:
    """Below B-LTA the end of the certificate is the end, and the reason names both."""
    with pytest.raises(EvidenceError) as caught:
        judge_pdf(signed[level], [pki.pem("root")], soon(days=3653), level)
    assert "expired" in caught.value.message
    assert f"a {level} signature carries nothing" in caught.value.message


def test_another_root_is_no_root(pki: Pki, signed: dict[PadesLevel, bytes]) -> None:
    """A chain that leads elsewhere is refused at every level."""
    for level in LEVELS:
        with pytest.raises(EvidenceError):
            judge_pdf(signed[level], [pki.pem("tsa")], soon(), level)


def test_judging_before_the_signature_is_refused(pki: Pki, signed: dict[PadesLevel, bytes]) -> None:
    """A clock set back makes no signature good."""
    with pytest.raises(EvidenceError, match="before the signature"):
        judge_pdf(signed["B-LTA"], [pki.pem("root")], now() - timedelta(days=2), "B-LTA")


def test_revocation_information_must_have_been_current_when_signed(
    pki: Pki, signed: dict[PadesLevel, bytes]
) -> None:
    """Whoever signs with a revoked key and an answer from before that is found out by its age."""
    reader = PdfFileReader(io.BytesIO(signed["B-LTA"]))
    seal = reader.embedded_signatures[0]
    store = DocumentSecurityStore.read_dss(reader)
    root = [pki.pem("root")]
    closed = time_of(reader.embedded_timestamp_signatures[0].signed_data)
    trust._valid_then(store, seal, root, closed)
    with pytest.raises(EvidenceError, match="not valid when it was signed"):
        trust._valid_then(store, seal, root, closed + timedelta(days=2))


# What cannot be signed


def test_revoked_key_is_refused(pki: Pki, page: bytes) -> None:
    """A certificate its authority revoked signs nothing at the levels that ask for it."""
    with pytest.raises(EnvironmentUnavailableError, match="revoked") as caught:
        sign_pdf(page, key(pki, "revoked"), now(), plan(pki, "B-LT"))
    assert "\n" not in caught.value.message


def test_silent_revocation_service_is_named_as_the_reason(pki: Pki, page: bytes) -> None:
    """Where the authority does not answer, nothing is signed as if it had."""
    with pytest.raises(EnvironmentUnavailableError, match="cannot be learnt"):
        sign_pdf(page, key(pki, "unanswered"), now(), plan(pki, "B-LTA"))


def test_expired_certificate_is_refused(pki: Pki, page: bytes) -> None:
    """An expired certificate signs nothing at any level."""
    with pytest.raises(EnvironmentUnavailableError, match="expired"):
        sign_pdf(page, key(pki, "expired"), now())


@pytest.mark.parametrize(
    ("place", "reason"), [("http://127.0.0.1:1/tsa", "cannot be reached"), (None, "status 503")]
)
def test_timestamp_service_that_does_not_answer_is_named(
    pki: Pki, page: bytes, place: str | None, reason: str
) -> None:
    """Nothing listens, or it answers with an error: one line that names the service."""
    pki.down.add("tsa")
    try:
        with pytest.raises(EnvironmentUnavailableError, match=reason) as caught:
            sign_pdf(page, key(pki, "signer"), now(), Plan("B-T", place or pki.tsa_url))
        with pytest.raises(EnvironmentUnavailableError, match=reason):
            sign_detached(b"x", key(pki, "signer"), now(), Plan("B-T", place or pki.tsa_url))
    finally:
        pki.down.remove("tsa")
    assert "timestamp service http://127.0.0.1" in caught.value.message


def test_development_key_reaches_b_t_and_no_more(pki: Pki, page: bytes, tmp_path: Path) -> None:
    """Nobody can say whether a self-signed certificate was revoked; timestamps it may have."""
    made = development_key(tmp_path / "keys", now())
    try_signing(made, plan(pki, "B-T"), now())
    assert check_pdf_signature(sign_pdf(page, made, now(), plan(pki, "B-T")), []).level == "B-T"
    for level in ("B-LT", "B-LTA"):
        with pytest.raises(EnvironmentUnavailableError, match="reaches level B-T at most"):
            try_signing(made, Plan(level, pki.tsa_url), now())


def test_level_that_was_not_reached_is_refused(pki: Pki, signed: dict[PadesLevel, bytes]) -> None:
    """What came out lower or higher than asked for does not leave."""
    with pytest.raises(EnvironmentUnavailableError, match="was not reached"):
        require_level(signed["B-T"], key(pki, "signer"), plan(pki, "B-LTA"), soon())
    rootless = replace(key(pki, "signer"), roots=(pki.pem("tsa"),))
    with pytest.raises(EnvironmentUnavailableError, match="was not reached: no trusted chain"):
        require_level(signed["B-T"], rootless, plan(pki, "B-T"), soon())


# A second officer, and renewal


@pytest.mark.parametrize("level", LEVELS)
def test_second_officer_signs_at_each_level(
    pki: Pki, signed: dict[PadesLevel, bytes], level: PadesLevel
) -> None:
    """The seal holds, the reviewer is named, and both chains lead to the root."""
    both = countersign_pdf(signed[level], key(pki, "reviewer"), now(), plan(pki, level))
    status = check_pdf_signature(both, [])
    assert status.problems == ()
    assert (status.level, status.reviewer) == (level, pki.pem("reviewer"))
    assert both.startswith(signed[level])
    for field in (SEAL_FIELD, REVIEWER_FIELD):
        judge_pdf(both, [pki.pem("root")], soon(), level, field)


def test_both_signatures_hold_ten_years_later(pki: Pki, reviewed: bytes) -> None:
    """The second officer's signature is archived as the first one is."""
    for field in (SEAL_FIELD, REVIEWER_FIELD):
        judge_pdf(reviewed, [pki.pem("root")], soon(days=3653), "B-LTA", field)


def test_renewal_needs_no_key_and_covers_the_file(pki: Pki, reviewed: bytes) -> None:
    """One more timestamp, over everything, and nothing else changes."""
    root = [pki.pem("root")]
    renewed = renew_pdf(renew_pdf(reviewed, root, pki.tsa_url), root, pki.tsa_url)
    before, after = (check_pdf_signature(pdf, []) for pdf in (reviewed, renewed))
    assert after.problems == ()
    assert after.timestamps == before.timestamps + 2
    assert renewed.startswith(reviewed)
    judge_pdf(renewed, root, soon(days=3653), "B-LTA")


# Changes after a signature, each closed with a fresh timestamp over the whole file


def another_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    stream = generic.StreamObject(stream_data=b"BT ET % another")
    page[generic.NameObject("/Contents")] = writer.add_object(stream)
    writer.mark_update(page.container_ref)


def another_title(writer: IncrementalPdfFileWriter) -> None:
    information = writer.trailer["/Info"]
    information[generic.NameObject("/Title")] = generic.TextStringObject("Another title")
    writer.mark_update(information.container_ref)


def another_information(writer: IncrementalPdfFileWriter) -> None:
    title = generic.TextStringObject("Another title")
    writer.set_info(generic.DictionaryObject({generic.NameObject("/Title"): title}))  # type: ignore[no-untyped-call]


def another_metadata_title(writer: IncrementalPdfFileWriter) -> None:
    stream = writer.root["/Metadata"]
    changed = stream.data.replace(b"The title as signed", b"Another title")
    assert changed != stream.data
    again = generic.StreamObject(dict(stream), stream_data=changed)
    writer.root[generic.NameObject("/Metadata")] = writer.add_object(again)
    writer.update_root()  # type: ignore[no-untyped-call]


def script(writer: IncrementalPdfFileWriter) -> None:
    action = generic.DictionaryObject(  # type: ignore[no-untyped-call]
        {
            generic.NameObject("/S"): generic.NameObject("/JavaScript"),
            generic.NameObject("/JS"): generic.TextStringObject("app.alert(1)"),
        }
    )
    writer.root[generic.NameObject("/OpenAction")] = writer.add_object(action)
    writer.update_root()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "change",
    [another_page, another_title, another_information, another_metadata_title, script],
)
@pytest.mark.parametrize("level", ["B-B", "B-LTA"])
def test_change_under_a_fresh_timestamp_is_caught(
    pki: Pki, signed: dict[PadesLevel, bytes], change: Callable[..., None], level: PadesLevel
) -> None:
    """A timestamp over the whole file makes no earlier change good."""
    control = check_pdf_signature(update(signed[level], nothing, pki.tsa_url), [])
    assert control.problems == ()
    status = check_pdf_signature(update(signed[level], change, pki.tsa_url), [])
    assert "the file was changed after signing" in " ".join(status.problems)


def test_bytes_after_the_last_timestamp_are_caught(reviewed: bytes) -> None:
    """pyHanko accepts them; the rule here does not."""
    assert not check_pdf_signature(reviewed + b"\n% more", []).covers_whole_file


def test_earlier_revision_of_a_reviewed_file_is_not_the_reviewed_file(
    pki: Pki, reviewed: bytes
) -> None:
    """Cut back to before its timestamp, the reviewer's signature is of a lower level or gone."""
    reader = PdfFileReader(io.BytesIO(reviewed))
    review = next(i for i in reader.embedded_signatures if i.field_name == REVIEWER_FIELD)
    end = revision_end(review)
    with pytest.raises(EvidenceError):
        judge_pdf(reviewed[:end], [pki.pem("root")], soon(days=3653), "B-LTA", REVIEWER_FIELD)


def test_no_sampled_bit_of_an_archived_file_can_change_unseen(pki: Pki, reviewed: bytes) -> None:
    """One bit anywhere in a file with two signatures and two timestamps breaks it.

    Only certificates that a timestamp carries beside its signature are not signed by anything.
    """
    for position in range(0, len(reviewed), len(reviewed) // 31):
        changed = bytearray(reviewed)
        changed[position] ^= 4
        try:
            problems = check_pdf_signature(bytes(changed), []).problems
        except EvidenceError:
            continue
        assert problems, position


# The page's own signature


@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_page_signature_holds_and_names_its_signer(pki: Pki, level: PadesLevel) -> None:
    """A detached CAdES signature, with a timestamp where the plan has one."""
    made = sign_detached(b"<html>", key(pki, "signer"), now(), plan(pki, level))
    assert check_detached(b"<html>", made) == (pki.pem("signer"), level)
    judge_detached(made, [pki.pem("root")], soon())
    with pytest.raises(EvidenceError, match="expired"):
        judge_detached(made, [pki.pem("root")], soon(days=3653))


def test_page_signature_over_another_page_is_refused(pki: Pki) -> None:
    """One byte more or less, another certificate, or bytes after the end."""
    made = sign_detached(b"<html>", key(pki, "signer"), now())
    for content, signature in ((b"<html> ", made), (b"<html>", made + b"\0"), (b"<html>", b"")):
        with pytest.raises(EvidenceError):
            check_detached(content, signature)


def test_no_bit_of_a_page_signature_can_change_unseen(pki: Pki) -> None:
    """Every byte of it is signed, or is a certificate whose issuer signed it, but for the topmost."""
    made = sign_detached(b"<html>", key(pki, "signer"), now())
    root = [pki.pem("root")]
    moment = soon()
    for position in range(0, len(made), 31):
        changed = bytearray(made)
        changed[position] ^= 1
        with pytest.raises(EvidenceError):  # noqa: PT012 - whichever of the two sees it
            check_detached(b"<html>", bytes(changed))
            judge_detached(bytes(changed), root, moment)


# Keys of other kinds


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("p384", "B-T"),
        ("rsa", "B-LTA"),
        ("p384", "B-LT"),
        ("p384", "B-LTA"),
        ("rsa", "B-T"),
        ("rsa", "B-LT"),
    ],
)
def test_keys_of_other_kinds_reach_every_level(
    pki: Pki, page: bytes, name: str, level: PadesLevel
) -> None:
    """Seal, counter-signature and page's signature hold by an RSA key and by one on P-384."""
    own, at = key(pki, name), now()
    sealed = require_level(sign_pdf(page, own, at, plan(pki, level)), own, plan(pki, level), soon())
    other = key(pki, "rsa" if name == "p384" else "p384")
    both = countersign_pdf(sealed, other, now(), plan(pki, level))
    status = check_pdf_signature(both, [])
    assert (status.problems, status.level) == ((), level)
    for field in (SEAL_FIELD, REVIEWER_FIELD):
        judge_pdf(both, [pki.pem("root")], soon(), level, field)
    made = sign_detached(b"<html>", own, at, plan(pki, level))
    assert check_detached(b"<html>", made) == (own.certificate, "B-T")


def test_timestamp_by_a_weak_key_or_digest_is_refused() -> None:
    """A service may have an RSA key of 2048 bits, not of 1024, and none rests on SHA-1."""
    cases = ((2048, "sha256", ""), (1024, "sha256", "1024 bits"), (2048, "sha1", "digest sha1"))
    for bits, digest, reason in cases:
        token = stamp_by(private_key(bits), digest)
        if not reason:
            require_accepted_stamp(token)
            continue
        with pytest.raises(EvidenceError, match=f"a timestamp is not accepted: .*{reason}"):
            require_accepted_stamp(token)


def test_every_timestamp_is_held_to_the_same_rule(
    pki: Pki, signed: dict[PadesLevel, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the seal, over the file, and over the page's signature."""
    page = sign_detached(b"<html>", key(pki, "signer"), now(), plan(pki, "B-T"))
    signatures = PdfFileReader(io.BytesIO(signed["B-LTA"])).embedded_signatures
    over_the_page = tokens_of(cms.ContentInfo.load(page)["content"])[0]
    over_the_seal, over_the_file = tokens(signatures[0])[0], signatures[-1].signed_data
    for weak in (over_the_page, over_the_seal, over_the_file):

        def problem(token: cms.SignedData, _: object, weak: bytes = weak.dump()) -> str:
            return "weak" if token.dump() == weak else ""

        monkeypatch.setattr(accepted, "problem_of_stamp", problem)
        with pytest.raises(EvidenceError, match="a timestamp is not accepted: weak"):  # noqa: PT012
            check_detached(b"<html>", page)
            check_pdf_signature(signed["B-LTA"], [])


# Other people's tools


def test_openssl_agrees_on_the_page_s_signature(pki: Pki, tmp_path: Path) -> None:
    """``openssl cms -verify -cades`` takes it, and refuses it over another page."""
    made = sign_detached(b"<html>", key(pki, "signer"), now(), plan(pki, "B-T"))
    (tmp_path / "s").write_bytes(made)
    for content, code in ((b"<html>", 0), (b"<htm1>", 4)):
        (tmp_path / "c").write_bytes(content)
        assert _cms(tmp_path, pki) == code


def _cms(folder: Path, pki: Pki) -> int:
    command = [
        "openssl",
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-purpose",
        "any",
    ]
    done = subprocess.run(
        [*command, "-in", folder / "s", "-content", folder / "c", "-CAfile", pki.root_file()],
        capture_output=True,
    )
    return done.returncode


def test_openssl_agrees_on_the_seal_and_its_timestamps(
    pki: Pki, reviewed: bytes, tmp_path: Path
) -> None:
    """Both CMS signatures and every document timestamp, taken out of the PDF, verify elsewhere."""
    seen = set()
    (tmp_path / "interm.pem").write_bytes(pki.pem("interm"))
    for item in PdfFileReader(io.BytesIO(reviewed)).embedded_signatures:
        start, before, resume, after = (int(part) for part in item.byte_range)
        (tmp_path / "c").write_bytes(
            reviewed[start : start + before] + reviewed[resume : resume + after]
        )
        content = item.pkcs7_content
        (tmp_path / "s").write_bytes(content[: 4 + int.from_bytes(content[2:4], "big")])
        seen.add(str(item.sig_object_type))
        if item.sig_object_type == "/Sig":
            assert _cms(tmp_path, pki) == 0
            continue
        done = subprocess.run(
            [
                "openssl",
                "ts",
                "-verify",
                "-data",
                tmp_path / "c",
                "-in",
                tmp_path / "s",
                "-token_in",
                "-CAfile",
                pki.root_file(),
                "-untrusted",
                tmp_path / "interm.pem",
            ],
            capture_output=True,
            text=True,
        )
        assert (done.returncode, "Verification: OK" in done.stdout) == (0, True), done.stderr
    assert seen == {"/Sig", "/DocTimeStamp"}
