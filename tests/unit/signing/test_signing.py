"""Keys, the seal on the PDF, and the attestation."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from auditkit.digest import canonical_json
from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.signing import pdf as sealing
from auditkit.signing.dsse import (
    PAYLOAD_TYPE,
    pre_authentication_encoding,
    sign_statement,
    statement_about,
    verify_envelope,
)
from auditkit.signing.keys.signer import (
    DEVELOPMENT_KEY_FILE,
    DEVELOPMENT_ORGANISATION,
    SigningKey,
    development_key,
    load_certificate,
    organisation,
)
from auditkit.signing.pdf import sign_pdf
from auditkit.signing.seal import check_pdf_signature
from tests.builders import audit_record

NOW = datetime(2026, 11, 20, 9, 30, 0, tzinfo=UTC)
FILES = {"evidence.json": b"{}", "policy.yaml": b"schema_version: '1'\n"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return development_key(tmp_path_factory.mktemp("key") / "keys", NOW)


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return development_key(tmp_path_factory.mktemp("other") / "keys", NOW)


@pytest.fixture(scope="module")
def plain_pdf() -> bytes:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.attachments["evidence.json"] = b"{}"
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


@pytest.fixture(scope="module")
def sealed(plain_pdf: bytes, key: SigningKey) -> bytes:
    return sign_pdf(plain_pdf, key, NOW)


# Keys


def test_first_use_makes_a_private_key_and_later_uses_find_it(tmp_path: Path) -> None:
    """The key is made once, readable by its owner only, and then stays the same."""
    directory = tmp_path / "a" / "keys"
    first, second = (development_key(directory, NOW) for _ in range(2))
    assert first.certificate == second.certificate
    assert first.private_key.private_numbers() == second.private_key.private_numbers()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / DEVELOPMENT_KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in directory.iterdir()] == [DEVELOPMENT_KEY_FILE]


def test_development_certificate_says_that_it_is_no_legal_seal(key: SigningKey) -> None:
    """Whoever reads the certificate reads that it names nobody, and it lasts 365 days."""
    certificate = load_certificate(key.certificate)
    assert key.level == "development"
    assert organisation(certificate) == DEVELOPMENT_ORGANISATION
    assert "NOT A LEGAL SEAL" in certificate.subject.rfc4514_string()
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(365)


def test_private_key_is_not_in_the_key_s_text(key: SigningKey) -> None:
    """Printing a key by accident does not show it."""
    assert "private_key" not in repr(key)


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    """Two first runs at the same moment end with one key, whole."""
    code = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from auditkit.signing.keys.signer import development_key\n"
        "sys.stdin.readline()\n"
        "key = development_key(Path(sys.argv[1]), datetime(2026, 11, 20, tzinfo=UTC))\n"
        "print(key.certificate_sha256)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "keys")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = {process.communicate(timeout=60)[0] for process in started}
    assert len(printed) == 1
    assert "sha256:" in printed.pop()


def test_a_key_made_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that finds no key, but loses the race to make one, takes the winner's."""
    winner = development_key(tmp_path / "keys", NOW)
    monkeypatch.setattr(os.path, "lexists", lambda _path: False)
    assert development_key(tmp_path / "keys", NOW).certificate == winner.certificate
    assert len(list((tmp_path / "keys").iterdir())) == 1


@pytest.mark.parametrize("shared", ["", DEVELOPMENT_KEY_FILE])
def test_key_that_others_may_read_is_refused(tmp_path: Path, shared: str) -> None:
    """A key or folder open to other users is refused, with the command that closes it."""
    directory = tmp_path / "keys"
    development_key(directory, NOW)
    (directory / shared).chmod(0o750)
    with pytest.raises(EnvironmentUnavailableError, match="other users") as caught:
        development_key(directory, NOW)
    assert caught.value.advice.startswith("chmod ")


@pytest.mark.parametrize(
    ("at", "word"),
    [(NOW + timedelta(366), "expired"), (NOW - timedelta(1), "is not valid yet")],
)
def test_certificate_outside_its_time_is_refused(tmp_path: Path, at: datetime, word: str) -> None:
    """An expired certificate is not used, and the old key is to be kept aside."""
    development_key(tmp_path / "keys", NOW)
    with pytest.raises(EnvironmentUnavailableError, match=word) as caught:
        development_key(tmp_path / "keys", at)
    assert "keep it" in caught.value.advice


def _pem(private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _named(
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, organisation_name: str
) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation_name)])
    certificate = (
        x509.CertificateBuilder(name, name, private_key.public_key(), 7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(1))
        .sign(private_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _broken_key_files(content: bytes) -> dict[str, bytes]:
    at = content.index(b"-----BEGIN CERTIFICATE")
    fresh = ec.generate_private_key(ec.SECP256R1())
    curve = ec.generate_private_key(ec.SECP384R1())
    other = rsa.generate_private_key(65537, 2048)
    return {
        "empty": b"",
        "key only": content[:at],
        "certificate only": content[at:],
        "cut short": content[:-100],
        "another key": _pem(fresh) + content[at:],
        "RSA": _pem(other) + _named(other, DEVELOPMENT_ORGANISATION),
        "another curve": _pem(curve) + _named(curve, DEVELOPMENT_ORGANISATION),
        "somebody's certificate": _pem(fresh) + _named(fresh, "Example GmbH"),
    }


def test_broken_key_files_are_refused_in_one_line(tmp_path: Path) -> None:
    """Whatever is wrong with the key file, one line says so and nothing is overwritten."""
    tmp_path.chmod(0o700)
    development_key(tmp_path, NOW)
    path = tmp_path / DEVELOPMENT_KEY_FILE
    for what, content in _broken_key_files(path.read_bytes()).items():
        path.write_bytes(content)
        with pytest.raises(EnvironmentUnavailableError, match="not a usable") as caught:
            development_key(tmp_path, NOW)
        assert "\n" not in str(caught.value), what
        assert path.read_bytes() == content, what


def test_key_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """A link in place of the key could make the tool sign with, or write to, something else."""
    tmp_path.chmod(0o700)
    (tmp_path / DEVELOPMENT_KEY_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentUnavailableError):
        development_key(tmp_path, NOW)
    assert not (tmp_path / "elsewhere").exists()


def test_pipe_in_place_of_the_key_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe would keep the run waiting for ever; it is refused without reading."""
    tmp_path.chmod(0o700)
    os.mkfifo(tmp_path / DEVELOPMENT_KEY_FILE, 0o600)
    with pytest.raises(EnvironmentUnavailableError, match="not a regular file"):
        development_key(tmp_path, NOW)


def test_folder_that_cannot_be_made_is_an_environment_error(tmp_path: Path) -> None:
    """A file where the key folder should be is reported in one line."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(EnvironmentUnavailableError, match="no signing key can be kept there"):
        development_key(tmp_path / "file" / "keys", NOW)


# The seal on the PDF


def test_sealed_pdf_holds_in_every_fact(sealed: bytes, key: SigningKey) -> None:
    """A PDF just sealed has no problem, states the time given, and names the signer."""
    status = check_pdf_signature(sealed, [])
    assert status.problems == ()
    assert status.signed_at == NOW
    assert status.certificate == key.certificate
    assert status.certificate_sha256 == key.certificate_sha256


def test_sealing_adds_to_the_file_and_changes_nothing_before(
    plain_pdf: bytes, sealed: bytes
) -> None:
    """The unsealed bytes are the beginning of the sealed file."""
    assert sealed.startswith(plain_pdf)


def test_trust_is_only_what_the_reader_says(
    sealed: bytes, key: SigningKey, other_key: SigningKey
) -> None:
    """Trusted, not trusted and not asked are three answers, apart from whether the seal holds."""
    answers = [
        check_pdf_signature(sealed, trusted)
        for trusted in ([], [key.certificate], [other_key.certificate], [other_key.certificate] * 2)
    ]
    assert [answer.trusted for answer in answers] == [None, True, False, False]
    assert all(answer.problems == () for answer in answers)


def test_no_byte_of_a_sealed_pdf_can_change_unseen(sealed: bytes) -> None:
    """One bit changed anywhere in the file, also inside the signature, breaks the seal."""
    for position in range(0, len(sealed), 13):
        changed = bytearray(sealed)
        changed[position] ^= 1
        try:
            problems = check_pdf_signature(bytes(changed), []).problems
        except EvidenceError:
            continue
        assert problems, f"byte {position}"


def test_changed_content_and_changed_signature_are_told_apart(sealed: bytes) -> None:
    """A changed page breaks what was signed; a changed signature does not verify."""
    content = bytearray(sealed)
    content[12] ^= 1  # in the comment of the second line
    changed = check_pdf_signature(bytes(content), [])
    assert not changed.intact
    assert "the signed bytes were changed" in changed.problems
    start = sealed.index(b"/Contents <") + len(b"/Contents <")
    end = sealed.index(b">", start)
    forged = bytearray(bytes.fromhex(sealed[start:end].decode()))
    forged[len(forged.rstrip(b"\0")) - 1] ^= 1  # the last byte of the ECDSA signature
    digits = forged.hex().upper().encode()
    status = check_pdf_signature(sealed[:start] + digits + sealed[end:], [])
    assert (status.intact, status.valid) == (True, False)
    assert "the signature does not verify" in status.problems


@pytest.mark.parametrize("addition", [b"\n", b" ", b"<html>"])
def test_bytes_after_the_end_break_the_seal(sealed: bytes, addition: bytes) -> None:
    """pyHanko accepts bytes after the end marker; the rule here does not."""
    status = check_pdf_signature(sealed + addition, [])
    assert status.intact
    assert status.bottom_line
    assert not status.covers_whole_file
    assert status.problems


def test_empty_reviewer_s_field_lets_a_second_person_sign(
    sealed: bytes, key: SigningKey, other_key: SigningKey
) -> None:
    """A reviewer's signature in the prepared field leaves the seal valid in pyHanko's judgement."""
    metadata = PdfSignatureMetadata(
        field_name=sealing.REVIEWER_FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
    )
    out = io.BytesIO()
    PdfSigner(metadata, sealing.AnyKeySigner(other_key)).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(sealed)), existing_fields_only=True, output=out
    )
    first, second = PdfFileReader(out).embedded_signatures
    for signature in (first, second):
        context = ValidationContext(trust_roots=[signature.signer_cert], moment=NOW)
        if signature is second:
            context = ValidationContext(
                trust_roots=[signature.signer_cert], moment=signature.self_reported_timestamp
            )
        status = validate_pdf_signature(signature, signer_validation_context=context)
        assert status.intact
        assert status.valid
        assert status.docmdp_ok


def sealed_otherwise(
    pdf: bytes, key: SigningKey, *, certify: bool = True, more: str = "", at: datetime = NOW
) -> bytes:
    """A PDF sealed with the same key, but not as auditkit does it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    sealing._add_fields(writer)
    if more:
        append_signature_field(writer, SigFieldSpec(more))
    metadata = PdfSignatureMetadata(
        field_name=sealing.SEAL_FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=certify,
    )
    out = io.BytesIO()
    signer = sealing._SignerAt(metadata, sealing.AnyKeySigner(key), at)
    signer.sign_pdf(writer, existing_fields_only=True, output=out)
    return out.getvalue()


def test_seal_made_as_auditkit_makes_it_is_the_control(plain_pdf: bytes, key: SigningKey) -> None:
    """The function that makes other seals makes a good one when asked for nothing special."""
    assert check_pdf_signature(sealed_otherwise(plain_pdf, key), []).problems == ()


def test_form_with_another_field_is_not_a_report_s(plain_pdf: bytes, key: SigningKey) -> None:
    """A further field, in which more could be signed later, is refused even under a good seal."""
    status = check_pdf_signature(sealed_otherwise(plain_pdf, key, more="Other1"), [])
    assert not status.fields_ok
    assert len(status.problems) == 1


def test_signature_that_certifies_nothing_is_not_a_seal(plain_pdf: bytes, key: SigningKey) -> None:
    """An approval signature does not say which later changes are forbidden, so it is refused."""
    status = check_pdf_signature(sealed_otherwise(plain_pdf, key, certify=False), [])
    assert status.bottom_line
    assert not status.modification_ok
    assert len(status.problems) == 1


@pytest.mark.parametrize("at", [NOW - timedelta(1), NOW + timedelta(400)])
def test_seal_outside_the_certificate_s_time_does_not_hold(
    plain_pdf: bytes, key: SigningKey, at: datetime
) -> None:
    """A signature that states a time at which its certificate was not valid is refused."""
    status = check_pdf_signature(sealed_otherwise(plain_pdf, key, at=at), [])
    assert status.intact
    assert status.valid
    assert not status.in_time
    assert len(status.problems) == 1


def test_seal_field_is_invisible_printable_and_off_the_page(sealed: bytes) -> None:
    """The widgets meet PDF/A (print flag) and PDF/UA (outside the page, named, tab order)."""
    with pikepdf.open(io.BytesIO(sealed)) as pdf:
        page = pdf.pages[0]
        assert page["/Tabs"] == "/S"
        for widget in page["/Annots"]:
            assert int(widget["/F"]) & 0b100111 == 0b100
            left, bottom, right, top = (int(value) for value in widget["/Rect"])
            assert (left, bottom) == (right, top)
            assert left < 0
            assert str(widget["/TU"])


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"\x00" * 100])
def test_what_is_no_pdf_has_no_seal(content: bytes) -> None:
    """Bytes that are not a PDF are an evidence error, whatever the reader does with them."""
    with pytest.raises(EvidenceError):
        check_pdf_signature(content, [])


def test_unsealed_pdf_is_an_evidence_error(plain_pdf: bytes) -> None:
    """A PDF without a signature is not one whose signature was not checked."""
    with pytest.raises(EvidenceError, match="no signature"):
        check_pdf_signature(plain_pdf, [])


@pytest.mark.parametrize("at", [NOW - timedelta(seconds=1), NOW + timedelta(366)])
def test_nothing_is_sealed_outside_the_certificate_s_time(
    plain_pdf: bytes, key: SigningKey, at: datetime
) -> None:
    """A seal that could never verify is not made."""
    with pytest.raises(EnvironmentUnavailableError, match=r"expired|not valid yet"):
        sign_pdf(plain_pdf, key, at)


# The attestation


def test_pre_authentication_encoding_is_the_standard_s() -> None:
    """The example in the DSSE specification comes out as printed there."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_statement_is_in_toto_s_test_result(key: SigningKey) -> None:
    """The payload has the keys and values that in-toto's Statement and Test Result ask for."""
    envelope = sign_statement(statement_about(audit_record(), FILES), key)
    payload = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    assert payload["_type"] == "https://in-toto.io/Statement/v1"
    assert payload["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert [subject["name"] for subject in payload["subject"]] == ["evidence.json", "policy.yaml"]
    assert payload["predicate"] == {
        "result": "WARNED",
        "configuration": [payload["subject"][1]],
        "passedTests": ["copying"],
        "warnedTests": ["counting"],
        "failedTests": [],
    }


def test_verified_statement_is_the_signed_one(key: SigningKey) -> None:
    """What was signed is what is read back."""
    statement = statement_about(audit_record(), FILES)
    assert verify_envelope(sign_statement(statement, key), key.certificate) == statement


def test_no_byte_of_an_envelope_can_change_unseen(key: SigningKey) -> None:
    """One bit changed anywhere in the envelope is an evidence error."""
    envelope = sign_statement(statement_about(audit_record(), FILES), key)
    for position in range(len(envelope)):
        changed = bytearray(envelope)
        changed[position] ^= 1
        with pytest.raises(EvidenceError):
            verify_envelope(bytes(changed), key.certificate)


def test_envelope_of_another_signer_is_refused(key: SigningKey, other_key: SigningKey) -> None:
    """The certificate given decides, not the key id in the envelope."""
    envelope = sign_statement(statement_about(audit_record(), FILES), key)
    with pytest.raises(EvidenceError, match="does not verify"):
        verify_envelope(envelope, other_key.certificate)


def test_malformed_envelopes_are_evidence_errors(key: SigningKey) -> None:
    """Bytes of any other shape than the one envelope are refused in one line."""
    good = json.loads(sign_statement(statement_about(audit_record(), FILES), key))
    twice = {**good, "signatures": good["signatures"] * 2}
    extra = {**good, "comment": "x"}
    typed = {**good, "payloadType": "text/plain"}
    wrong_kind = {**good, "signatures": [{**good["signatures"][0], "keyid": 7}]}
    malformed = [b"", b"{}", b"[" * 100_000, b"null", b"\xff", json.dumps(good).encode()]
    malformed += [canonical_json(value) for value in (twice, extra, typed, wrong_kind)]
    for envelope in malformed:
        with pytest.raises(EvidenceError):
            verify_envelope(envelope, key.certificate)
    with pytest.raises(EvidenceError, match="not an in-toto statement"):
        verify_envelope(canonical_json(typed), key.certificate)
    other = _named(rsa.generate_private_key(65537, 2048), "Example GmbH")
    for certificate in (b"", key.certificate * 2, b"x" + key.certificate, other):
        with pytest.raises(EvidenceError):
            verify_envelope(canonical_json(good), certificate)


def test_signed_payload_of_another_kind_is_refused(key: SigningKey) -> None:
    """A good signature over something that is no test result does not make it one."""
    payload = canonical_json({"_type": "https://in-toto.io/Statement/v1"})
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    envelope = canonical_json(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {
                    "keyid": key.certificate_sha256,
                    "sig": base64.b64encode(signature).decode(),
                }
            ],
        }
    )
    with pytest.raises(EvidenceError, match="malformed"):
        verify_envelope(envelope, key.certificate)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_the_attestation(key: SigningKey, tmp_path: Path) -> None:
    """A reader without auditkit can verify the signature with OpenSSL, as the docs say."""
    envelope = json.loads(sign_statement(statement_about(audit_record(), FILES), key))
    payload = base64.b64decode(envelope["payload"])
    encoding = b"DSSEv1 %d %s %d %s" % (
        len(envelope["payloadType"]),
        envelope["payloadType"].encode(),
        len(payload),
        payload,
    )
    (tmp_path / "attestation.sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    (tmp_path / "attestation.pae").write_bytes(encoding)
    (tmp_path / "certificate.pem").write_bytes(key.certificate)
    command = (
        "openssl x509 -in certificate.pem -pubkey -noout > key.pem && "
        "openssl dgst -sha256 -verify key.pem -signature attestation.sig attestation.pae"
    )
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "Verified OK"
    (tmp_path / "attestation.pae").write_bytes(encoding + b" ")
    again = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode != 0
