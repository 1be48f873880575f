"""The seal on the PDF: a PAdES baseline B-B signature, and what can be said about one found.

pyHanko does the cryptography. The rule that decides is written here, because a signature can be
cryptographically sound in a file whose pages were replaced after it (pdf-insecurity.org).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.generic import NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import (
    InvisSigSettings,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
)
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner, PdfSigningSession
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    SignatureCoverageLevel,
    validate_pdf_signature,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.signing.keys import SigningKey, fingerprint, load_certificate, pem_of_der

SEAL_FIELD = "Auditkit1"
REVIEWER_FIELD = "Reviewer1"

# pyHanko logs what it then returns or raises; without a handler Python would print it as well.
for _library in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class PdfSignatureStatus:
    """What was found about the seal on a PDF, each fact by itself.

    ``intact``: the signed bytes are unchanged. ``valid``: the signature verifies with the
    certificate in it. ``covers_whole_file``: every byte but the signature itself is signed, and
    none follows. ``modification_ok``: the seal permits no change of content, and nothing was changed since.
    ``fields_ok``: the form holds the sealed field and the empty reviewer's field, and no other.
    ``in_time``: the certificate was valid at the time of signing that the signature states.
    ``bottom_line``: pyHanko's own judgement of all this, with the signer's certificate as its own
    anchor. ``trusted``: that certificate is one of those given; ``None`` if none was.
    """

    intact: bool
    valid: bool
    covers_whole_file: bool
    modification_ok: bool
    fields_ok: bool
    in_time: bool
    bottom_line: bool
    certificate: bytes
    certificate_sha256: str
    signed_at: datetime
    trusted: bool | None

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the seal does not hold, apart from whose it is; empty when it holds."""
        facts = (
            (self.intact, "the signed bytes were changed"),
            (self.valid, "the signature does not verify"),
            (self.covers_whole_file, "the signature does not cover the whole file"),
            (
                self.modification_ok,
                "the seal permits changes, or the file was changed after signing",
            ),
            (self.fields_ok, "the form fields are not those of an auditkit report"),
            (self.in_time, "the certificate was not valid at the time of signing"),
            (self.bottom_line, "the signature is not acceptable as a whole"),
        )
        return tuple(reason for holds, reason in facts if not holds)


class _SignerAt(PdfSigner):
    """A signer that states the time it is given, where pyHanko would read the clock."""

    def __init__(self, metadata: PdfSignatureMetadata, signer: SimpleSigner, at: datetime) -> None:
        super().__init__(metadata, signer)
        self._at = at

    def init_signing_session(
        self,
        pdf_out: BasePdfFileWriter,
        existing_fields_only: bool = False,
    ) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._at
        return session


def sign_pdf(pdf: bytes, key: SigningKey, at: datetime) -> bytes:
    """The PDF sealed by a certification signature over all of it (PAdES baseline B-B, ETSI EN 319 142-1).

    The signature's field is invisible. An empty field for a reviewer is created before it: a field
    added later would break the certification, a signature in this one does not (ISO 32000-2,
    12.8.2.2).

    Raises:
        EnvironmentUnavailableError: the key's certificate is not valid at ``at``.
        ValueError: ``at`` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("the time of signing needs a time zone")
    if not _valid_at(key.certificate, at):
        raise EnvironmentUnavailableError(
            f"the signing certificate is not valid at {at:%Y-%m-%d %H:%M}", advice="make a new key"
        )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    _add_fields(writer)
    metadata = PdfSignatureMetadata(
        field_name=SEAL_FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )
    output = io.BytesIO()
    _SignerAt(metadata, _signer(key), at).sign_pdf(writer, existing_fields_only=True, output=output)
    return output.getvalue()


def check_pdf_signature(pdf: bytes, trusted: Sequence[bytes]) -> PdfSignatureStatus:
    """What can be said about the seal on a PDF, by the certificates (PEM) the reader trusts.

    No clock is read: the certificate is judged at the time of signing that the signature states.
    ``problems`` is empty only if no step raised, the whole file is covered, nothing follows the end
    marker, the form is as auditkit writes it, and the certification forbids what it must.

    Raises:
        EvidenceError: the file holds no seal, or one that cannot be read.
    """
    try:
        return _check(pdf, trusted)
    except EvidenceError:
        raise
    except Exception as error:  # hostile bytes: every way to break the reader is a failure
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EvidenceError(f"the PDF's signature cannot be read: {reason}") from error


def _check(pdf: bytes, trusted: Sequence[bytes]) -> PdfSignatureStatus:
    reader = PdfFileReader(io.BytesIO(pdf))
    sealed = [item for item in reader.embedded_signatures if item.field_name == SEAL_FIELD]
    if len(sealed) != 1:
        raise EvidenceError(f"the PDF has no signature in its field {SEAL_FIELD}")
    (seal,) = sealed
    signed_at = seal.self_reported_timestamp
    if signed_at is None:
        raise EvidenceError("the PDF's signature states no time of signing")
    context = ValidationContext(
        trust_roots=[seal.signer_cert], moment=signed_at, allow_fetching=False
    )
    status = validate_pdf_signature(seal, signer_validation_context=context)
    certificate = pem_of_der(seal.signer_cert.dump())
    return PdfSignatureStatus(
        intact=status.intact,
        valid=status.valid,
        covers_whole_file=status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        and _covers(pdf, seal)
        and _plain(seal),
        modification_ok=status.docmdp_ok is True
        and status.modification_level is ModificationLevel.NONE
        and _certified(reader, seal),
        fields_ok=_fields(reader) == {SEAL_FIELD: True, REVIEWER_FIELD: False},
        in_time=_valid_at(certificate, signed_at),
        bottom_line=status.bottom_line,
        certificate=certificate,
        certificate_sha256=fingerprint(certificate),
        signed_at=signed_at,
        trusted=is_trusted(certificate, trusted),
    )


def is_trusted(certificate: bytes, trusted: Sequence[bytes]) -> bool | None:
    """Whether a certificate (PEM) is one of those trusted; ``None`` when none is given."""
    if not trusted:
        return None
    return fingerprint(certificate) in {fingerprint(pem) for pem in trusted}


def _valid_at(certificate_pem: bytes, at: datetime) -> bool:
    # pyHanko takes an anchor's dates on trust (RFC 5280, 6.1), and here every signer is its own.
    certificate = load_certificate(certificate_pem)
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _signer(key: SigningKey) -> SimpleSigner:
    private_key = key.private_key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (certificate,) = load_certs_from_pemder_data(key.certificate)
    return SimpleSigner(
        signing_cert=certificate,
        signing_key=load_private_key_from_pemder_data(private_key, passphrase=None),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )


def _add_fields(writer: IncrementalPdfFileWriter) -> None:
    # Printable (PDF/A-3, 6.3.2) and outside every page (PDF/UA-1, 7.18.1): see InvisSigSettings.
    invisible = InvisSigSettings(set_print_flag=True, set_hidden_flag=False, box_out_of_bounds=True)
    titles = {SEAL_FIELD: "Seal of the report", REVIEWER_FIELD: "Reviewer's signature"}
    for name, title in titles.items():
        spec = SigFieldSpec(name, invis_sig_settings=invisible, readable_field_name=title)
        append_signature_field(writer, spec)
    first_page, _ = writer.find_page_for_modification(0)  # type: ignore[no-untyped-call]
    page = first_page.get_object()
    if page.get("/Tabs") != "/S":  # a page with annotations needs a tab order (PDF/UA-1, 7.18.3)
        page[NameObject("/Tabs")] = NameObject("/S")


def _fields(reader: PdfFileReader) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for reference in reader.root["/AcroForm"]["/Fields"]:
        field = reference.get_object()
        name = str(field["/T"])
        if field["/FT"] != "/Sig" or "/Kids" in field or name in found:
            return {}
        found[name] = "/V" in field
    return found


def _certified(reader: PdfFileReader, seal: EmbeddedPdfSignature) -> bool:
    permissions = reader.root.get("/Perms", {})
    if "/DocMDP" not in permissions:
        return False
    certification = permissions.raw_get("/DocMDP")
    return (
        certification.reference == seal.sig_field.raw_get("/V").reference
        and seal.docmdp_level is MDPPerm.FILL_FORMS
    )


def _covers(pdf: bytes, seal: EmbeddedPdfSignature) -> bool:
    """Whether the signed ranges leave out the signature's own digits, and not one byte more.

    pyHanko compares lengths; this compares bytes: upper-case digits, then zeros, to the last.
    """
    start, before, resume, after = (int(part) for part in seal.byte_range)
    digits = pdf[before + 1 : resume - 1].decode("ascii")
    if (start, resume + after) != (0, len(pdf)) or not pdf.endswith(b"%%EOF\n"):
        return False
    if (pdf[before : before + 1], pdf[resume - 1 : resume]) != (b"<", b">"):
        return False
    content = bytes.fromhex(digits)
    return content.hex().upper() == digits and not any(content[_der_length(content) :])


def _plain(seal: EmbeddedPdfSignature) -> bool:
    """Whether the parts of the CMS (RFC 5652, 5.1) that no signature covers say what they must."""
    signed, signer = seal.signed_data, seal.signer_info
    sha256 = {"algorithm": "sha256", "parameters": None}
    end = _der_length(seal.pkcs7_content)
    return (
        seal.pkcs7_content[:end].endswith(signed.dump())
        and signed["version"].native == signer["version"].native == "v1"
        and signed["digest_algorithms"].native == [sha256]
        and signed["encap_content_info"].native == {"content_type": "data", "content": None}
        and signer["digest_algorithm"].native == sha256
        and signer["unsigned_attrs"].native is None
        and len(signed["certificates"]) == 1
    )


def _der_length(content: bytes) -> int:
    """Length in bytes of the DER value that content starts with, header included (X.690, 8.1)."""
    first = content[1]
    if first < 0x80:
        return 2 + first
    n = first & 0x7F
    return 2 + n + int.from_bytes(content[2 : 2 + n], "big")
