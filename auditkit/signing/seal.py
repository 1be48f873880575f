"""What can be said about the signatures found on a PDF, but not whose they are: ``trust`` says that.

The rule that decides is written here, because a signature can be cryptographically sound in a file
whose pages were replaced after it (pdf-insecurity.org). The seal comes first and covers its revision
to the last byte. Nothing follows it but a signature in the prepared field, timestamps, and what
validates them; the last of these covers the whole file. No clock and no network is used.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1
from pyhanko.pdf_utils.form_tools import annot_width_height
from pyhanko.pdf_utils.generic import DictionaryObject
from pyhanko.pdf_utils.metadata.model import PDF_PRODUCER, XMP_MODDATE
from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.general import extract_certificate_info
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    SignatureCoverageLevel,
    validate_pdf_signature,
    validate_pdf_timestamp,
)
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko_certvalidator import ValidationContext

from auditkit.errors import EvidenceError
from auditkit.records.audit import PadesLevel
from auditkit.signing.accepted import plain_cms, require_accepted, require_accepted_stamp
from auditkit.signing.keys.signer import fingerprint, load_certificate, pem_of_der
from auditkit.signing.pdf import REVIEWER_FIELD, SEAL_FIELD

_TIMESTAMP_FIELD = re.compile(r"Timestamp-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# pyHanko lets later revisions rewrite the document's information, and writes these into it itself.
_REWRITTEN = {"/ModDate", "/Producer"}
_REWRITTEN_XMP = {XMP_MODDATE, PDF_PRODUCER}


@dataclass(frozen=True)
class PdfSignatureStatus:
    """What was found about the signatures on a PDF, each fact by itself.

    ``intact``: the signed bytes are unchanged. ``valid``: each signature and timestamp verifies with
    the certificate in it. ``covers_whole_file``: every signature covers its revision but for its own
    digits, the last one the whole file, and nothing follows. ``modification_ok``: the seal permits no
    change of content, and nothing was changed since. ``fields_ok``: the form holds the sealed field,
    the reviewer's field and timestamps, and no other. ``in_time``: each signer's certificate was
    valid at the time of signing that the signature states. ``bottom_line``: pyHanko's own judgement
    of all this, with each certificate as its own anchor. ``trusted``: the seal's certificate is one
    of those given; ``None`` if none was. ``level`` is what the file holds, not yet that it is valid.
    ``reviewer`` is the certificate (PEM) in the reviewer's signature, ``None`` while that is empty.
    ``visible``: the seal's field has a place on a page.
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
    level: PadesLevel
    timestamps: int
    reviewer: bytes | None
    visible: bool

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


def check_pdf_signature(pdf: bytes, trusted: Sequence[bytes]) -> PdfSignatureStatus:
    """What can be said about the signatures on a PDF, by the certificates (PEM) the reader trusts.

    No clock is read: certificates are judged at the time of signing that a signature states.
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


def _require_accepted(signature: EmbeddedPdfSignature) -> None:
    if signature.sig_object_type == "/DocTimeStamp":
        require_accepted_stamp(signature.signed_data)
        return
    what = "the seal" if signature.field_name == SEAL_FIELD else "the reviewer's signature"
    require_accepted(what, signature.signed_data, tokens(signature))


@dataclass(frozen=True)
class _Found:
    """pyHanko's view of one signature or timestamp, with its own certificate as the anchor."""

    signature: EmbeddedPdfSignature
    intact: bool
    valid: bool
    bottom_line: bool
    in_time: bool
    whole: bool
    allowed: bool
    modification: ModificationLevel | None


def _check(pdf: bytes, trusted: Sequence[bytes]) -> PdfSignatureStatus:
    reader = PdfFileReader(io.BytesIO(pdf))
    signatures = reader.embedded_signatures
    if [item.field_name for item in signatures].count(SEAL_FIELD) != 1:
        raise EvidenceError(f"the PDF has no signature in its field {SEAL_FIELD}")
    seal = signatures[0]
    signed_at = seal.self_reported_timestamp
    if seal.field_name != SEAL_FIELD or signed_at is None:
        raise EvidenceError("the PDF's first signature is not its seal, or states no time")
    for item in signatures:
        _require_accepted(item)
    found = [_found(item) for item in signatures]
    certificate = pem_of_der(seal.signer_cert.dump())
    reviews = [item for item in signatures if item.field_name == REVIEWER_FIELD]
    return PdfSignatureStatus(
        intact=all(item.intact for item in found),
        valid=all(item.valid for item in found),
        covers_whole_file=found[-1].whole and _covered(pdf, signatures),
        modification_ok=_unmodified(found, reviewed=bool(reviews))
        and _certified(reader, seal)
        and _same_information(reader, pdf, seal),
        fields_ok=_fields(reader) == _expected_fields(signatures),
        in_time=all(item.in_time for item in found),
        bottom_line=all(item.bottom_line for item in found),
        certificate=certificate,
        certificate_sha256=fingerprint(certificate),
        signed_at=signed_at,
        trusted=is_trusted(certificate, trusted),
        level=_level(reader, signatures),
        timestamps=sum(item.sig_object_type == "/DocTimeStamp" for item in signatures),
        reviewer=pem_of_der(reviews[0].signer_cert.dump()) if reviews else None,
        visible=all(annot_width_height(seal.sig_field)),
    )


def is_trusted(certificate: bytes, trusted: Sequence[bytes]) -> bool | None:
    """Whether a certificate (PEM) is one of those trusted; ``None`` when none is given."""
    if not trusted:
        return None
    return fingerprint(certificate) in {fingerprint(pem) for pem in trusted}


def tokens(signature: EmbeddedPdfSignature) -> list[cms.SignedData]:
    """The timestamps over a signature, each as the signed data of its token (RFC 3161)."""
    return tokens_of(signature.signed_data)


def tokens_of(signed: cms.SignedData) -> list[cms.SignedData]:
    """The same of a signature apart from a PDF."""
    (signer,) = signed["signer_infos"]
    return list(extract_tst_data_iter(signer, signed=False))


def time_of(token: cms.SignedData) -> datetime:
    """The moment a timestamp states."""
    information: tsp.TSTInfo = token["encap_content_info"]["content"].parsed
    moment: datetime = information["gen_time"].native
    return moment


def signer_of(token: cms.SignedData) -> asn1.Certificate:
    """The certificate that signed a timestamp, as the token carries it."""
    return extract_certificate_info(token).signer_cert


def revision_end(signature: EmbeddedPdfSignature) -> int:
    """How many bytes from its start the file had when this signature was made."""
    _, _, resume, after = (int(part) for part in signature.byte_range)
    return resume + after


def _found(signature: EmbeddedPdfSignature) -> _Found:
    own = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
    if signature.sig_object_type == "/DocTimeStamp":
        stamp = validate_pdf_timestamp(signature, validation_context=own)
        return _Found(
            signature,
            stamp.intact,
            stamp.valid,
            stamp.valid and stamp.intact and stamp.trusted,
            in_time=True,
            whole=stamp.coverage is SignatureCoverageLevel.ENTIRE_FILE,
            allowed=True,
            modification=stamp.modification_level,
        )
    signed_at = signature.self_reported_timestamp
    if signed_at is None:
        raise EvidenceError("a signature in the PDF states no time of signing")
    status = validate_pdf_signature(
        signature,
        signer_validation_context=ValidationContext(
            trust_roots=[signature.signer_cert], moment=signed_at, allow_fetching=False
        ),
        ts_validation_context=ValidationContext(
            trust_roots=[signer_of(token) for token in tokens(signature)], allow_fetching=False
        ),
    )
    in_time = valid_at(pem_of_der(signature.signer_cert.dump()), signed_at)
    return _Found(
        signature,
        status.intact,
        status.valid,
        status.bottom_line,
        in_time=in_time,
        whole=status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
        allowed=status.docmdp_ok is True,
        modification=status.modification_level,
    )


def _covered(pdf: bytes, signatures: Sequence[EmbeddedPdfSignature]) -> bool:
    ends = [revision_end(item) for item in signatures]
    return (
        ends == sorted(set(ends))
        and all(_covers(pdf[:end], item) for end, item in zip(ends, signatures, strict=True))
        and all(_plain(item) for item in signatures if item.sig_object_type == "/Sig")
    )


def _unmodified(found: Sequence[_Found], *, reviewed: bool) -> bool:
    """Whether nothing follows the seal but what may: by pyHanko's rules on every later revision."""
    most = ModificationLevel.LTA_UPDATES if len(found) > 1 else ModificationLevel.NONE
    if reviewed:
        most = ModificationLevel.FORM_FILLING
    return all(
        item.allowed and item.modification is not None and item.modification <= most
        for item in found
    )


def _same_information(reader: PdfFileReader, pdf: bytes, seal: EmbeddedPdfSignature) -> bool:
    """Whether title, authors and the rest of the document's information are still as sealed."""
    sealed = PdfFileReader(io.BytesIO(pdf[: revision_end(seal)]))
    return _information(sealed) == _information(reader)


def _information(reader: PdfFileReader) -> tuple[dict[str, str], list[dict[str, str]]]:
    trailer, root = reader.trailer_view, reader.root
    information = _value(trailer, "/Info")
    xmp = parse_xmp(io.BytesIO(root["/Metadata"].data)) if "/Metadata" in root else []
    return (
        {str(k): repr(information[k]) for k in information if k not in _REWRITTEN},
        [{str(k): repr(v) for k, v in part if k not in _REWRITTEN_XMP} for part in xmp],
    )


def _value(dictionary: DictionaryObject, key: str) -> DictionaryObject:
    """A dictionary under a key, followed to where it is; empty where there is none."""
    try:
        value: DictionaryObject = dictionary[key]
    except KeyError:
        return DictionaryObject()  # type: ignore[no-untyped-call]
    return value


def _level(reader: PdfFileReader, signatures: Sequence[EmbeddedPdfSignature]) -> PadesLevel:
    if not tokens(signatures[0]):
        return "B-B"
    store = _value(reader.root, "/DSS")
    if not {"/Certs"} <= store.keys() or not {"/OCSPs", "/CRLs"} & store.keys():
        return "B-T"
    stamped = any(item.sig_object_type == "/DocTimeStamp" for item in signatures)
    return "B-LTA" if stamped else "B-LT"


def valid_at(certificate_pem: bytes, at: datetime) -> bool:
    """Whether a moment is between the certificate's (PEM) dates.

    pyHanko takes an anchor's dates on trust (RFC 5280, 6.1).
    """
    certificate = load_certificate(certificate_pem)
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _expected_fields(signatures: Sequence[EmbeddedPdfSignature]) -> dict[str, bool]:
    """The fields of a report, each filled or not; none that fits where a signature is elsewhere."""
    expected = {SEAL_FIELD: True, REVIEWER_FIELD: False}
    for item in signatures:
        name = str(item.field_name)
        if item.sig_object_type == "/DocTimeStamp":
            if not _TIMESTAMP_FIELD.fullmatch(name):
                return {}
        elif name not in expected:
            return {}
        expected[name] = True
    return expected


def _fields(reader: PdfFileReader) -> dict[str, bool] | None:
    found: dict[str, bool] = {}
    for reference in reader.root["/AcroForm"]["/Fields"]:
        field = reference.get_object()
        name = str(field["/T"])
        if field["/FT"] != "/Sig" or "/Kids" in field or name in found:
            return None
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


def _covers(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether the signed ranges leave out the signature's own digits, and not one byte more.

    pyHanko compares lengths; this compares bytes: upper-case digits, then zeros, to the last.
    """
    start, before, resume, after = (int(part) for part in signature.byte_range)
    digits = pdf[before + 1 : resume - 1].decode("ascii")
    if (start, resume + after) != (0, len(pdf)) or not pdf.endswith(b"%%EOF\n"):
        return False
    if (pdf[before : before + 1], pdf[resume - 1 : resume]) != (b"<", b">"):
        return False
    content = bytes.fromhex(digits)
    return content.hex().upper() == digits and not any(content[_der_length(content) :])


def _plain(signature: EmbeddedPdfSignature) -> bool:
    """Whether the parts of the CMS (RFC 5652, 5.1) that no signature covers say what they must."""
    end = _der_length(signature.pkcs7_content)
    signed = signature.signed_data
    return signature.pkcs7_content[:end].endswith(signed.dump()) and plain_cms(signed)


def _der_length(content: bytes) -> int:
    """Length in bytes of the DER value that content starts with, header included (X.690, 8.1)."""
    first = content[1]
    if first < 0x80:
        return 2 + first
    n = first & 0x7F
    return 2 + n + int.from_bytes(content[2 : 2 + n], "big")
