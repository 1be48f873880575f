"""The seal on the PDF: a PAdES signature at a stated baseline level, or none.

pyHanko writes the file; the private key stays behind ``Signer``, wherever it is kept. ``seal`` judges
what was written, here before it leaves and at verification.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from asn1crypto import x509 as asn1
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.generic import NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import (
    InvisSigSettings,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
    enumerate_sig_fields,
)
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_cms import Signer as CmsSigner
from pyhanko.sign.signers.pdf_signer import (
    DSSContentSettings,
    PdfSignatureMetadata,
    PdfSigner,
    PdfSigningSession,
    PdfTimeStamper,
    SigDSSPlacementPreference,
    TimestampDSSContentSettings,
)
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.stamp import NoOpStampStyle
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    InsufficientRevinfoError,
    PathError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.registry import SimpleCertificateStore

from auditkit.errors import EnvironmentUnavailableError
from auditkit.signing.keys.schemes import longest
from auditkit.signing.keys.signer import Signer, load_certificate, refuse_outside_its_time
from auditkit.signing.timestamps import PLAIN, HttpTimeStamper, Plan

SEAL_FIELD = "Auditkit1"
REVIEWER_FIELD = "Reviewer1"

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clocks of the signer, an authority and a timestamp service may be apart: pyHanko's own
second refuses an OCSP answer that took two to arrive."""

# Before a signature pyHanko writes what validates it, so that the last timestamp covers all of it.
_DSS = DSSContentSettings(
    include_vri=False, placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE
)
_RENEWED_DSS = TimestampDSSContentSettings(include_vri=False, update_before_ts=True)
# Printable (PDF/A-3, 6.3.2) and outside every page (PDF/UA-1, 7.18.1): see InvisSigSettings.
INVISIBLE = InvisSigSettings(set_print_flag=True, set_hidden_flag=False, box_out_of_bounds=True)

# pyHanko logs what it then returns or raises; without a handler Python would print it as well.
for _library in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

_Result = TypeVar("_Result")


class AnyKeySigner(CmsSigner):
    """pyHanko's signer over a key of ours: it is handed bytes and returns their signature."""

    def __init__(self, key: Signer) -> None:
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(certificates(key.chain))
        (certificate,) = certificates([key.certificate])
        super().__init__(
            signing_cert=certificate,
            cert_registry=store,
            signature_mechanism=key.scheme.algorithm(),
        )
        self._key = key

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        """The signature of the data; when only its length is asked for, that many zeros."""
        if digest_algorithm != self._key.scheme.digest:
            raise ValueError(f"the key signs {self._key.scheme.digest} digests only")
        if dry_run:
            return bytes(longest(load_certificate(self._key.certificate)))
        return await asyncio.to_thread(self._key.sign, data)


class _SignerAt(PdfSigner):
    """A signer that states the time it is given, where pyHanko would read the clock."""

    def __init__(
        self,
        metadata: PdfSignatureMetadata,
        signer: CmsSigner,
        at: datetime,
        timestamper: HttpTimeStamper | None = None,
    ) -> None:
        # The picture of a visible seal is in the PDF already: pyHanko's own has fonts that are not.
        super().__init__(metadata, signer, timestamper=timestamper, stamp_style=NoOpStampStyle())
        self._at = at

    def init_signing_session(
        self,
        pdf_out: BasePdfFileWriter,
        existing_fields_only: bool = False,
    ) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._at
        return session


def certificates(pems: Sequence[bytes]) -> list[asn1.Certificate]:
    """Certificates (PEM) as pyHanko wants them."""
    return [found for pem in pems for found in load_certs_from_pemder_data(pem)]


def sign_pdf(pdf: bytes, key: Signer, at: datetime, plan: Plan = PLAIN) -> bytes:
    """The PDF sealed by a certification signature over all of it, at the level of the plan
    (PAdES baseline, ETSI EN 319 142-1).

    The signature's field is invisible, unless the PDF comes with one that has its picture. An empty
    field for a reviewer is created before it: a field added later would break the certification, a
    signature in this one does not (ISO 32000-2, 12.8.2.2). At B-LTA the last timestamp covers the whole
    file.

    Raises:
        EnvironmentUnavailableError: the key cannot be used, its certificate is not valid at ``at`` or
            revoked, or a service it needs does not answer.
        ValueError: ``at`` has no time zone.
    """
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    _add_fields(writer)
    return _sign(writer, SEAL_FIELD, key, at, plan)


def countersign_pdf(pdf: bytes, key: Signer, at: datetime, plan: Plan) -> bytes:
    """The sealed PDF with a second person's signature in the reviewer's field, at the same level.

    Raises:
        EnvironmentUnavailableError: as ``sign_pdf``.
        ValueError: as ``sign_pdf``.
    """
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    return _sign(writer, REVIEWER_FIELD, key, at, plan)


def renew_pdf(pdf: bytes, roots: Sequence[bytes], timestamp_url: str) -> bytes:
    """The PDF with one more timestamp over all of it, and with what validates the last one.

    Needs no signing key: what the signatures rest on is covered by a newer certificate and algorithm
    before the older one's end (ETSI EN 319 142-1, 5.5).

    Raises:
        EnvironmentUnavailableError: the service does not answer, or its certificate does not lead to
            one of the roots.
    """
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    stamper = PdfTimeStamper(HttpTimeStamper(timestamp_url), invis_settings=INVISIBLE)
    output = io.BytesIO()
    reader = PdfFileReader(io.BytesIO(pdf))
    last = reader.embedded_timestamp_signatures[-1]
    held = list(DocumentSecurityStore.read_dss(reader).load_certs())

    async def stamp(context: ValidationContext) -> None:
        checked = CertificateValidator(
            last.signer_cert, last.other_embedded_certs, validation_context=context
        )
        path = await checked.async_validate_usage(set(), {"time_stamping"})  # type: ignore[no-untyped-call]
        await stamper.async_timestamp_pdf(
            writer,
            "sha256",
            validation_context=context,
            validation_paths=[path],
            output=output,
            dss_settings=_RENEWED_DSS,
        )

    _reaching(stamp, roots, held)
    return output.getvalue()


def _sign(
    writer: IncrementalPdfFileWriter, field: str, key: Signer, at: datetime, plan: Plan
) -> bytes:
    if at.tzinfo is None:
        raise ValueError("the time of signing needs a time zone")
    refuse_outside_its_time(key.certificate, at, "the signing certificate", "use another key")
    output = io.BytesIO()

    async def sign(context: ValidationContext) -> None:
        metadata = PdfSignatureMetadata(
            field_name=field,
            md_algorithm=key.scheme.digest,
            subfilter=SigSeedSubFilter.PADES,
            certify=field == SEAL_FIELD,
            docmdp_permissions=MDPPerm.FILL_FORMS,
            embed_validation_info=plan.long_term,
            use_pades_lta=plan.level == "B-LTA",
            validation_context=context if plan.long_term else None,
            dss_settings=_DSS,
        )
        signer = _SignerAt(metadata, AnyKeySigner(key), at, plan.timestamper())
        await signer.async_sign_pdf(writer, existing_fields_only=True, output=output)

    _reaching(sign, key.roots, certificates(key.chain))
    return output.getvalue()


def _reaching(
    work: Callable[[ValidationContext], Coroutine[Any, Any, _Result]],
    roots: Sequence[bytes],
    held: Sequence[asn1.Certificate],
) -> _Result:
    """What the work comes to; it may ask the network for revocation information, required here."""

    async def run() -> _Result:
        context = ValidationContext(
            trust_roots=certificates(roots),
            other_certs=held,
            allow_fetching=True,
            revocation_mode="require",
            time_tolerance=CLOCKS_DIFFER,
        )
        try:
            return await work(context)
        finally:
            await context.aclose()  # type: ignore[no-untyped-call]

    try:
        return asyncio.run(run())
    except (SigningError, ValidationError, PathError, TimestampRequestError, PdfError) as error:
        raise _explained(error) from error


def _explained(error: Exception) -> EnvironmentUnavailableError:
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    detail = " ".join(str(causes[-1]).split()) or type(causes[-1]).__name__
    for cause in causes:
        if isinstance(cause, EnvironmentUnavailableError):
            return cause
        if isinstance(cause, RevokedError):
            return EnvironmentUnavailableError(
                f"a certificate was revoked: {detail}", advice="use another key"
            )
        if isinstance(cause, InsufficientRevinfoError):
            return EnvironmentUnavailableError(
                f"whether a certificate is revoked cannot be learnt: {detail}",
                advice="check the network to the authority's OCSP or CRL service, or sign at B-T",
            )
        if isinstance(cause, TimestampRequestError):
            return EnvironmentUnavailableError(
                f"the timestamp service gave no timestamp: {detail}",
                advice="check signing.timestamp_url",
            )
    return EnvironmentUnavailableError(
        f"nothing was signed: {detail}",
        advice="check that `trust` in the keys file names the roots of the key and the timestamps",
    )


def _add_fields(writer: IncrementalPdfFileWriter) -> None:
    there = {name for name, _, _ in enumerate_sig_fields(writer)}
    titles = {SEAL_FIELD: "Seal of the report", REVIEWER_FIELD: "Reviewer's signature"}
    for name, title in titles.items():
        if name in there:  # a visible seal: page and picture were laid out together
            continue
        spec = SigFieldSpec(name, invis_sig_settings=INVISIBLE, readable_field_name=title)
        append_signature_field(writer, spec)
    first_page, _ = writer.find_page_for_modification(0)  # type: ignore[no-untyped-call]
    page = first_page.get_object()
    if page.get("/Tabs") != "/S":  # a page with annotations needs a tab order (PDF/UA-1, 7.18.3)
        page[NameObject("/Tabs")] = NameObject("/S")
