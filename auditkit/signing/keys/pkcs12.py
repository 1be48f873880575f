"""A signing key in a PKCS#12 file (RFC 7292), as certification authorities deliver them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from auditkit.errors import EnvironmentUnavailableError
from auditkit.signing.keys.private_files import read_private
from auditkit.signing.keys.schemes import ASK_FOR, Padding, RefusedKeyError, Scheme, scheme_for
from auditkit.signing.keys.signer import SigningKey, is_self_signed, issued_by, level_of


def pkcs12_key(
    path: Path,
    passphrase: str,
    *,
    more: Sequence[bytes] = (),
    roots: Sequence[bytes] = (),
    padding: Padding | None = None,
) -> SigningKey:
    """The key in a PKCS#12 file that only its owner may read.

    ``more`` are certificates (PEM) of issuers that the file leaves out.

    Raises:
        EnvironmentUnavailableError: the file cannot be read or others may read it, the passphrase is
            wrong, or there is no key that auditkit signs with, with its certificate, in it.
    """
    try:
        content = read_private(path)
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{path}: the key file cannot be read ({error.strerror or error})",
            advice="name a PKCS#12 file that you can read and nobody else can",
        ) from error
    certificate, private_key, others = _opened(path, content, passphrase)
    pem = _pem(certificate)
    chain = chain_of(pem, [*map(_pem, others), *more])
    scheme_at(str(path), pem, padding)
    return SigningKey(private_key, pem, level_of(pem), "pkcs12", chain, tuple(roots), padding)


def _opened(
    path: Path, content: bytes, passphrase: str
) -> tuple[
    x509.Certificate, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, list[x509.Certificate]
]:
    try:
        private_key, certificate, others = pkcs12.load_key_and_certificates(
            content, passphrase.encode("utf-8")
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EnvironmentUnavailableError(
            f"{path}: the passphrase is wrong, or this is not a PKCS#12 file",
            advice="check the passphrase and the file",
        ) from error
    if private_key is None or certificate is None:
        raise unusable(str(path), "it does not hold a key and its certificate")
    if not isinstance(private_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise unusable(str(path), "its key is neither an RSA nor an EC key")
    return certificate, private_key, others


def chain_of(certificate: bytes, pool: Sequence[bytes]) -> tuple[bytes, ...]:
    """The certificates (PEM) of a pool that lead upwards from one, in order, without a root."""
    candidates = [x509.load_pem_x509_certificate(pem) for pem in pool]
    chain: list[x509.Certificate] = []
    last = x509.load_pem_x509_certificate(certificate)
    while True:
        issuers = [
            each
            for each in candidates
            if each not in chain and not is_self_signed(each) and issued_by(last, each)
        ]
        if not issuers:
            return tuple(_pem(each) for each in chain)
        last = issuers[0]
        chain.append(last)


def scheme_at(
    where: str,
    certificate: bytes,
    padding: Padding | None = None,
    offered: frozenset[Scheme] | None = None,
) -> Scheme:
    """How the key of a certificate (PEM) signs, by its setting and what its token or service offers.

    Raises:
        EnvironmentUnavailableError: auditkit does not sign with such a key, or not so.
    """
    try:
        return scheme_for(x509.load_pem_x509_certificate(certificate), padding, offered)
    except RefusedKeyError as error:
        raise unusable(where, error.reason) from error
    except ValueError as error:
        raise EnvironmentUnavailableError(
            f"{where}: not a usable signing key: {error}",
            advice="leave `rsa_padding` out of the keys file, or ask the token's or service's maker for it",
        ) from error


def unusable(where: str, reason: str) -> EnvironmentUnavailableError:
    """The error that a key cannot be used, and why."""
    return EnvironmentUnavailableError(
        f"{where}: not a usable signing key: {reason}", advice=ASK_FOR
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
