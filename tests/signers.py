"""Signing with the tests' own authority, and what is done to a PDF after it was signed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from asn1crypto import cms, tsp
from asn1crypto.keys import PrivateKeyInfo
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from auditkit.records.audit import PadesLevel
from auditkit.signing.keys.pkcs12 import pkcs12_key
from auditkit.signing.keys.schemes import Padding
from auditkit.signing.keys.signer import DEVELOPMENT_ORGANISATION, SigningKey
from auditkit.signing.pdf import INVISIBLE
from auditkit.signing.timestamps import PLAIN, HttpTimeStamper, Plan
from tests.pki import PASSPHRASE, Pki, PrivateKey


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


KINDS: dict[str, tuple[object, Padding | None]] = {
    "rsa-3072-pss": (3072, None),
    "rsa-3072-pkcs1": (3072, "pkcs1"),
    "rsa-4096-pss": (4096, "pss"),
    "p384": (ec.SECP384R1(), None),
    "p521": (ec.SECP521R1(), None),
}
"""Keys of every kind but P-256, which every other test signs with."""


@cache
def private_key(kind: object) -> PrivateKey:
    """An RSA key of so many bits, or a key on a curve; each made once."""
    if isinstance(kind, ec.EllipticCurve):
        return ec.generate_private_key(kind)
    assert isinstance(kind, int)
    return rsa.generate_private_key(65537, kind)


def self_signed(
    private: PrivateKey,
    since: datetime,
    padding: Padding | None = None,
    organisation: str = DEVELOPMENT_ORGANISATION,
    days: int = 365,
) -> SigningKey:
    """A key with a certificate of its own, in the name of an organisation, valid for so many days."""
    names = {
        x509.NameOID.ORGANIZATION_NAME: organisation,
        x509.NameOID.COMMON_NAME: "auditkit development key",
    }
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in names.items()])
    usage = x509.KeyUsage(True, True, *[False] * 7)  # noqa: FBT003 - signature, commitment
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), 7)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
        .add_extension(usage, critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return SigningKey(private, pem, "development", padding=padding)


def from_a_file(key: SigningKey, path: Path) -> SigningKey:
    """The same key, read from a PKCS#12 file."""
    encryption = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    certificate = x509.load_pem_x509_certificate(key.certificate)
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(None, key.private_key, certificate, None, encryption)
    )
    path.chmod(0o600)
    return pkcs12_key(path, PASSPHRASE, padding=key.padding)


def stamp_by(private: PrivateKey, digest: str) -> cms.SignedData:
    """A timestamp by a service with a certificate of its own."""
    own = self_signed(private, now())
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    service = DummyTimeStamper(
        tsa_cert=load_certs_from_pemder_data(own.certificate).__next__(),
        tsa_key=PrivateKeyInfo.load(private.private_bytes(serialization.Encoding.DER, *form)),
    )
    answer = service.request_tsa_response(
        tsp.TimeStampReq(
            {
                "message_imprint": {
                    "hash_algorithm": {"algorithm": digest},
                    "hashed_message": hashlib.new(digest, b"x").digest(),
                },
                "cert_req": True,
            }
        )
    )
    token: cms.SignedData = answer["time_stamp_token"]["content"]
    return token


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
