"""Signing keys: what each can do, the development key, what a certificate says of its owner.

The development key and its certificate lie in one file, so that no crash and no second process can
pair a key with another key's certificate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from auditkit.digest import sha256_hex
from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import KeyKind, KeyLevel
from auditkit.signing.keys.private_files import kept
from auditkit.signing.keys.schemes import Padding, Scheme, scheme_for

DEVELOPMENT_ORGANISATION = "UNQUALIFIED DEVELOPMENT KEY - NOT A LEGAL SEAL"
"""The organisation in every development certificate: whoever reads the signature reads this."""

DEVELOPMENT_KEY_FILE = "development-key.pem"
VALIDITY = timedelta(days=365)


class Signer(Protocol):
    """A key that signs, wherever it is kept: the PDF, the web page and the attestation take any."""

    @property
    def certificate(self) -> bytes:
        """The certificate, PEM bytes."""
        ...

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The issuers' certificates (PEM), upwards, without the root."""
        ...

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The roots (PEM) that this and the timestamps are judged by."""
        ...

    @property
    def level(self) -> KeyLevel:
        """What the certificate rests on."""
        ...

    @property
    def kind(self) -> KeyKind:
        """Where the private key is."""
        ...

    @property
    def scheme(self) -> Scheme:
        """How it signs."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature of the message, by the key's scheme.

        Raises:
            EnvironmentUnavailableError: the key cannot be used.
        """
        ...


@dataclass(frozen=True)
class SigningKey:
    """A private key in memory, with its certificates, and what a signature by it is worth."""

    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False)
    certificate: bytes
    level: KeyLevel
    kind: KeyKind = "development"
    chain: tuple[bytes, ...] = ()
    roots: tuple[bytes, ...] = ()
    padding: Padding | None = None

    @property
    def scheme(self) -> Scheme:
        """The one that its key and its setting give.

        Raises:
            ValueError: they give none.
        """
        return scheme_for(load_certificate(self.certificate), self.padding)

    @property
    def certificate_sha256(self) -> str:
        """The certificate's fingerprint: ``sha256:`` and the digest of its DER bytes."""
        return fingerprint(self.certificate)

    def sign(self, message: bytes) -> bytes:
        """The signature of the message, by the key's scheme."""
        return self.scheme.sign(self.private_key, message)


def development_key(directory: Path, now: datetime) -> SigningKey:
    """The development key kept in a directory, made there on first use.

    An EC P-256 key (FIPS 186-5) with a self-signed certificate (RFC 5280) that names nobody and is
    valid for 365 days. The file has mode 0600, the directory 0700. When two processes make a key at
    the same moment, both get the one that was there first.

    Raises:
        EnvironmentUnavailableError: the directory cannot be written, others may read it or the key,
            the file holds no such key, or its certificate is not valid at ``now``.
    """
    path = directory / DEVELOPMENT_KEY_FILE
    content = kept(path, lambda: _new(now))
    return _parse(path, content, now)


def load_certificate(pem: bytes) -> x509.Certificate:
    """The one X.509 certificate in PEM bytes that hold nothing else.

    Raises:
        ValueError: there is no certificate, more than one, or other bytes beside it.
    """
    try:
        (certificate,) = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ValueError("not one certificate in PEM form (RFC 7468)") from error
    if certificate.public_bytes(serialization.Encoding.PEM) != pem:
        raise ValueError("not the plain PEM form of one certificate (RFC 7468)")
    return certificate


def pem_of_der(der: bytes) -> bytes:
    """The PEM form (RFC 7468) of a certificate given as DER bytes."""
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def fingerprint(certificate_pem: bytes) -> str:
    """``sha256:`` and the SHA-256 of the certificate's DER bytes.

    Raises:
        ValueError: the bytes are not one PEM certificate.
    """
    certificate = load_certificate(certificate_pem)
    return "sha256:" + sha256_hex(certificate.public_bytes(serialization.Encoding.DER))


def organisation(certificate: x509.Certificate) -> str:
    """The organisation the certificate's subject names, or the empty string."""
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return ", ".join(str(name.value) for name in names)


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether the certificate was issued by its own key: nobody else vouches for its names."""
    return issued_by(certificate, certificate)


def is_authority(certificate_pem: bytes) -> bool:
    """Whether a certificate (PEM) says that its key may issue others (RFC 5280, 4.2.1.9)."""
    try:
        extensions = load_certificate(certificate_pem).extensions
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound):
        return False


def level_of(certificate_pem: bytes) -> KeyLevel:
    """What a certificate (PEM) rests on.

    Raises:
        ValueError: the bytes are not one PEM certificate.
    """
    certificate = load_certificate(certificate_pem)
    if not is_self_signed(certificate):
        return "organisation"
    named = organisation(certificate)
    return "development" if named == DEVELOPMENT_ORGANISATION else "self_signed"


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name and key are those the certificate was issued under."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def refuse_outside_its_time(certificate_pem: bytes, now: datetime, what: str, advice: str) -> None:
    """Returns if the certificate (PEM) is valid at a moment.

    Raises:
        EnvironmentUnavailableError: it expired, or is not valid yet; says which, and the day.
    """
    certificate = load_certificate(certificate_pem)
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > last:
        raise EnvironmentUnavailableError(f"{what} expired ({last:%Y-%m-%d})", advice=advice)
    if now < first:
        message = f"{what} is not valid yet ({first:%Y-%m-%d})"
        raise EnvironmentUnavailableError(message, advice=advice)


def _new(now: datetime) -> bytes:
    private_key = ec.generate_private_key(ec.SECP256R1())
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + _self_signed(private_key, now)


def _self_signed(private_key: ec.EllipticCurvePrivateKey, now: datetime) -> bytes:
    start = now.replace(microsecond=0)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEVELOPMENT_ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, "auditkit development key"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    public_key = private_key.public_key()
    builder = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + VALIDITY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    certificate = builder.sign(private_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def _parse(path: Path, content: bytes, now: datetime) -> SigningKey:
    try:
        private_key = serialization.load_pem_private_key(content, password=None)
        certificate = x509.load_pem_x509_certificate(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, "it does not hold a key and a certificate") from error
    if not isinstance(private_key, ec.EllipticCurvePrivateKey) or not isinstance(
        private_key.curve, ec.SECP256R1
    ):
        raise _unusable(path, "its key is not an EC P-256 key")
    if private_key.public_key() != certificate.public_key():
        raise _unusable(path, "its certificate belongs to another key")
    if organisation(certificate) != DEVELOPMENT_ORGANISATION:
        raise _unusable(path, "its certificate is not a development certificate")
    advice = "rename the file and keep it; the next run makes a new key"
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    refuse_outside_its_time(pem, now, f"{path}: the development certificate", advice)
    return SigningKey(private_key=private_key, certificate=pem, level="development")


def _unusable(path: Path, reason: str) -> EnvironmentUnavailableError:
    return EnvironmentUnavailableError(
        f"{path}: not a usable development key: {reason}",
        advice="rename the file and keep it; the next run makes a new key",
    )
