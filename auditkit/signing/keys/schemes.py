"""Which signature scheme a key uses, and which keys are refused. Every algorithm is named here.

An EC key on P-256, P-384 or P-521 signs by ECDSA with SHA-256, SHA-384 or SHA-512. An RSA key of at least
3072 bits signs by PSS (SHA-256, MGF1 with SHA-256, 32 bytes of salt), or by PKCS#1 v1.5 with SHA-256 where
its setting, token or service leaves nothing else. Sources: FIPS 186-5, RFC 8017, RFC 4056, ETSI TS 119 312.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asn1crypto import algos, cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import PublicKeyAlgorithmOID

Padding = Literal["pss", "pkcs1"]

ASK_FOR = "ask for a certificate on an RSA key of at least 3072 bits or an EC key on P-256, P-384 or P-521"
"""What to ask the trust service for, where a key is refused."""

SALT = 32
_SMALLEST_RSA = 3072
_SMALLEST_STAMPING_RSA = 2048  # public timestamp services still use it
_SMALLEST_EXPONENT = 65537  # FIPS 186-5, 5.1
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class RefusedKeyError(ValueError):
    """A key that auditkit neither signs with nor accepts a signature of; says why, and what to ask for."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; {ASK_FOR}")
        self.reason = reason


@dataclass(frozen=True)
class Scheme:
    """A signature scheme: its name in words, its digest, its name in CMS, and its OID."""

    name: str
    digest: str
    cms_name: str
    oid: str

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The digest's algorithm."""
        return _HASHES[self.digest]

    @property
    def digest_oid(self) -> str:
        """The digest's OID."""
        return str(algos.DigestAlgorithmId(self.digest).dotted)

    def digest_of(self, message: bytes) -> bytes:
        """The digest of a message."""
        made = hashes.Hash(self.hash)
        made.update(message)
        return made.finalize()

    def padding(self) -> padding.PSS | padding.PKCS1v15:
        """How an RSA key pads."""
        if self is PSS:
            return padding.PSS(padding.MGF1(self.hash), SALT)
        return padding.PKCS1v15()

    def algorithm(self) -> algos.SignedDigestAlgorithm:
        """The scheme as CMS writes it, parameters included."""
        if self is PSS:
            return algos.SignedDigestAlgorithm(
                {"algorithm": self.cms_name, "parameters": pss_parameters()}
            )
        return algos.SignedDigestAlgorithm({"algorithm": self.cms_name})

    def sign(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, message: bytes) -> bytes:
        """A private key's signature of a message; ECDSA's in DER."""
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, self.padding(), self.hash)
        return key.sign(message, ec.ECDSA(self.hash))

    def verify(
        self, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, signature: bytes, message: bytes
    ) -> bool:
        """Whether it is the key's signature of a message by this scheme."""
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, message, self.padding(), self.hash)
            else:
                key.verify(signature, message, ec.ECDSA(self.hash))
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            return False
        return True


P256 = Scheme("ECDSA P-256 with SHA-256", "sha256", "sha256_ecdsa", "1.2.840.10045.4.3.2")
P384 = Scheme("ECDSA P-384 with SHA-384", "sha384", "sha384_ecdsa", "1.2.840.10045.4.3.3")
P521 = Scheme("ECDSA P-521 with SHA-512", "sha512", "sha512_ecdsa", "1.2.840.10045.4.3.4")
PSS = Scheme("RSA PSS with SHA-256", "sha256", "rsassa_pss", "1.2.840.113549.1.1.10")
PKCS1 = Scheme("RSA PKCS#1 v1.5 with SHA-256", "sha256", "sha256_rsa", "1.2.840.113549.1.1.11")
_BY_CURVE = {"secp256r1": P256, "secp384r1": P384, "secp521r1": P521}
_BY_PADDING: dict[Padding, Scheme] = {"pss": PSS, "pkcs1": PKCS1}

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


def pss_parameters() -> algos.RSASSAPSSParams:
    """The parameters of PSS (RFC 4055, 3.1), as CMS and remote services take them."""
    digest = algos.DigestAlgorithm({"algorithm": "sha256"})
    mask = algos.MaskGenAlgorithm({"algorithm": "mgf1", "parameters": digest.copy()})
    return algos.RSASSAPSSParams(
        {"hash_algorithm": digest, "mask_gen_algorithm": mask, "salt_length": SALT}
    )


def public_key_of(certificate: x509.Certificate, *, stamping: bool = False) -> PublicKey:
    """The certificate's key. A timestamp service (``stamping``) may have a smaller RSA key.

    Raises:
        RefusedKeyError: it is of another kind, on another curve, too small, or its exponent is no good.
    """
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RefusedKeyError("its key is of an unknown kind") from error
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _BY_CURVE:
            raise RefusedKeyError(f"its EC key is on the curve {key.curve.name}")
        return key
    if not isinstance(key, rsa.RSAPublicKey):
        raise RefusedKeyError("its key is neither an RSA nor an EC key")
    smallest = _SMALLEST_STAMPING_RSA if stamping else _SMALLEST_RSA
    if key.key_size < smallest:
        raise RefusedKeyError(f"its RSA key has {key.key_size} bits")
    exponent = key.public_numbers().e
    if exponent < _SMALLEST_EXPONENT or exponent % 2 == 0:
        raise RefusedKeyError(f"its RSA key has the exponent {exponent}")
    return key


def schemes_of(certificate: x509.Certificate) -> tuple[Scheme, ...]:
    """The schemes a certificate's key may sign by, the preferred one first.

    Raises:
        RefusedKeyError: there is none.
    """
    key = public_key_of(certificate)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return (_BY_CURVE[key.curve.name],)
    if certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
        return (PSS,)
    return PSS, PKCS1


def scheme_for(
    certificate: x509.Certificate,
    asked: Padding | None = None,
    offered: frozenset[Scheme] | None = None,
) -> Scheme:
    """The scheme a key signs by: the first possible one that is asked for and offered.

    ``asked`` is the key's own setting, ``offered`` what its token or service can do.

    Raises:
        RefusedKeyError: the key is refused.
        ValueError: no possible scheme is asked for and offered.
    """
    possible = schemes_of(certificate)
    wanted = possible if asked is None else tuple(s for s in possible if s is _BY_PADDING[asked])
    if not wanted:
        raise ValueError(f"rsa_padding is {asked}, and its key signs by {possible[0].name} only")
    for scheme in wanted:
        if offered is None or scheme in offered:
            return scheme
    raise ValueError(
        f"{' and '.join(scheme.name for scheme in wanted)}: not offered where the key is"
    )


def verified_by(certificate: x509.Certificate, signature: bytes, message: bytes) -> Scheme | None:
    """The scheme by which a signature is the certificate's key's; ``None`` where it is not.

    Raises:
        RefusedKeyError: the key is refused.
    """
    key = public_key_of(certificate)
    tried = (each for each in schemes_of(certificate) if each.verify(key, signature, message))
    return next(tried, None)


def longest(certificate: x509.Certificate) -> int:
    """How many bytes a signature by the certificate's key has at most.

    Raises:
        RefusedKeyError: the key is refused.
    """
    key = public_key_of(certificate)
    size = (key.key_size + 7) // 8
    return size if isinstance(key, rsa.RSAPublicKey) else 2 * size + 9


def problem_of_cms(signed: cms.SignedData, certificate: x509.Certificate) -> str:
    """Why a CMS signature by a certificate's key is refused for its algorithms; empty where it is not."""
    try:
        possible = schemes_of(certificate)
    except RefusedKeyError as error:
        return str(error)
    (signer,) = signed["signer_infos"]
    written, digest = signer["signature_algorithm"], signer["digest_algorithm"]
    for scheme in possible:
        if written.dump() == scheme.algorithm().dump() and _digest_only(digest, scheme.digest):
            return ""
    said = f"{written['algorithm'].native} over {digest['algorithm'].native}"
    return f"it is signed by {said}, which is not {' or '.join(each.name for each in possible)}"


def problem_of_stamp(token: cms.SignedData, certificate: x509.Certificate) -> str:
    """Why a timestamp is refused for its algorithms; empty where it is not."""
    try:
        public_key_of(certificate, stamping=True)
    except RefusedKeyError as error:
        return f"{error.reason}; choose a timestamp service with an RSA key of at least 2048 bits"
    (signer,) = token["signer_infos"]
    imprint = token["encap_content_info"]["content"].parsed["message_imprint"]
    used = {str(signer["digest_algorithm"]["algorithm"].native)}
    used.add(str(imprint["hash_algorithm"]["algorithm"].native))
    written = signer["signature_algorithm"]
    if str(written["algorithm"].native) not in {"rsassa_pkcs1v15", "ecdsa"}:
        used.add(str(written.hash_algo))
    weak = sorted(used - _HASHES.keys())
    return f"it rests on the digest {weak[0]}" if weak else ""


def _digest_only(written: algos.DigestAlgorithm, name: str) -> bool:
    return bool(written.native == {"algorithm": name, "parameters": None})
