"""Signing with the tests' own authority, and what is done to a PDF after it was signed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

from auditkit.records.audit import PadesLevel
from auditkit.signing.keys.pkcs12 import pkcs12_key
from auditkit.signing.keys.signer import SigningKey
from auditkit.signing.pdf import INVISIBLE
from auditkit.signing.timestamps import PLAIN, HttpTimeStamper, Plan
from tests.pki import PASSPHRASE, Pki


def now() -> datetime:
    """This second."""
    return datetime.now(UTC).replace(microsecond=0)


def soon(**later: float) -> datetime:
    """Shortly after everything signed so far, or that much later."""
    return datetime.now(UTC) + timedelta(seconds=2) + timedelta(**later)


def plan(pki: Pki, level: PadesLevel) -> Plan:
    """How a level is signed, with the timestamp service of the tests."""
    return PLAIN if level == "B-B" else Plan(level, pki.tsa_url)


def key(pki: Pki, name: str) -> SigningKey:
    """A key of the tests' authority, with its root."""
    return pkcs12_key(pki.p12(name), PASSPHRASE, roots=[pki.pem("root")])


def update(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None], url: str) -> bytes:
    """The PDF with a change in a revision of its own, and a timestamp over all of it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    stamper = PdfTimeStamper(HttpTimeStamper(url), invis_settings=INVISIBLE)
    again = IncrementalPdfFileWriter(io.BytesIO(out.getvalue()))
    stamped = stamper.timestamp_pdf(again, "sha256")
    return bytes(stamped.getvalue())


def nothing(writer: IncrementalPdfFileWriter) -> None:
    """A change that changes nothing."""
    del writer
