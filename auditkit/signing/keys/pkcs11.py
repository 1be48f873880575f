"""A signing key on a token, reached through its PKCS#11 module: a smart card, or a hardware module.

The private key never leaves the token. Some modules, SoftHSM2 among them, offer ECDSA only over a
digest made by the caller, so that is what is asked of every token, of RSA keys too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asn1crypto import algos, core

from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import KeyKind, KeyLevel
from auditkit.signing.keys.pkcs12 import chain_of, scheme_at, unusable
from auditkit.signing.keys.schemes import (
    P256,
    P384,
    P521,
    PKCS1,
    PSS,
    SALT,
    Padding,
    Scheme,
    public_key_of,
)
from auditkit.signing.keys.signer import level_of, load_certificate, pem_of_der

if TYPE_CHECKING:
    from pkcs11 import Session
    from pkcs11.types import SignMixin


@dataclass(frozen=True)
class Place:
    """Where a key is: the module's path, the token's label, and the key's label on it."""

    module: str
    token: str
    key: str


@dataclass(frozen=True)
class TokenKey:
    """A private key on a token, with its certificates."""

    place: Place
    certificate: bytes
    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    scheme: Scheme
    pin: str = field(repr=False)

    @property
    def level(self) -> KeyLevel:
        """What the certificate rests on."""
        return level_of(self.certificate)

    @property
    def kind(self) -> KeyKind:
        """A token's key."""
        return "pkcs11"

    def sign(self, message: bytes) -> bytes:
        """The signature of the message, made by the token over its digest.

        Raises:
            EnvironmentUnavailableError: the token or its key cannot be used, or what it made does not
                verify with the certificate.
        """
        with _session(self.place, self.pin) as session:
            from pkcs11 import ObjectClass

            found = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=self.place.key)
            signature = _signature(found, self.scheme, self.scheme.digest_of(message))
        certificate = load_certificate(self.certificate)
        if not self.scheme.verify(public_key_of(certificate), signature, message):
            raise unusable(
                f"token {self.place.token!r}", "its signature is not by the certificate's key"
            )
        return signature


def _signature(key: SignMixin, scheme: Scheme, digest: bytes) -> bytes:
    from pkcs11 import MGF, Mechanism
    from pkcs11.util.ec import encode_ecdsa_signature

    if scheme is PSS:
        how = (Mechanism.SHA256, MGF.SHA256, SALT)
        return bytes(key.sign(digest, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=how))
    if scheme is PKCS1:
        algorithm = algos.DigestAlgorithm({"algorithm": scheme.digest, "parameters": core.Null()})
        info = algos.DigestInfo({"digest_algorithm": algorithm, "digest": digest})
        return bytes(key.sign(info.dump(), mechanism=Mechanism.RSA_PKCS))
    return bytes(encode_ecdsa_signature(key.sign(digest, mechanism=Mechanism.ECDSA)))


def _offered(session: Session) -> frozenset[Scheme]:
    from pkcs11 import Mechanism

    mechanisms = session.token.slot.get_mechanisms()
    by_mechanism = {
        Mechanism.ECDSA: {P256, P384, P521},
        Mechanism.RSA_PKCS_PSS: {PSS},
        Mechanism.RSA_PKCS: {PKCS1},
    }
    return frozenset().union(*(by_mechanism[each] for each in by_mechanism if each in mechanisms))


def pkcs11_key(
    place: Place,
    pin: str,
    *,
    more: Sequence[bytes] = (),
    roots: Sequence[bytes] = (),
    padding: Padding | None = None,
) -> TokenKey:
    """The key on a token, with the certificate of the same label there.

    ``more`` are certificates (PEM) of issuers that the token does not hold.

    Raises:
        EnvironmentUnavailableError: the module, the token, the key or its certificate is missing, the
            PIN is wrong, or auditkit does not sign with such a key.
    """
    with _session(place, pin) as session:
        from pkcs11 import Attribute, ObjectClass

        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=place.key)
        held = [
            (item[Attribute.LABEL], pem_of_der(item[Attribute.VALUE]))
            for item in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
        ]
        offered = _offered(session)
    own = [pem for label, pem in held if label == place.key]
    if len(own) != 1:
        raise EnvironmentUnavailableError(
            f"token {place.token!r} holds {len(own)} certificates labelled {place.key!r}, not one",
            advice="store the key's certificate on the token under the key's label",
        )
    scheme = scheme_at(f"token {place.token!r}", own[0], padding, offered)
    chain = chain_of(own[0], [*(pem for _, pem in held), *more])
    return TokenKey(place, own[0], chain, tuple(roots), scheme, pin)


@contextmanager
def _session(place: Place, pin: str) -> Iterator[Any]:
    try:
        import pkcs11
        from pkcs11 import exceptions
    except ImportError as error:
        raise EnvironmentUnavailableError(
            "a key on a token needs the library python-pkcs11, which is not installed",
            advice="install auditkit with its extra `pkcs11`",
        ) from error
    reasons: dict[type[Exception], str] = {
        exceptions.NoSuchToken: f"no token is labelled {place.token!r}",
        exceptions.TokenNotPresent: f"token {place.token!r} is not present",
        exceptions.PinIncorrect: f"the PIN of token {place.token!r} is wrong",
        exceptions.PinLenRange: f"the PIN of token {place.token!r} is wrong",
        exceptions.PinLocked: f"token {place.token!r} is locked after wrong PINs",
        exceptions.NoSuchKey: f"token {place.token!r} holds no private key {place.key!r}",
        exceptions.MultipleObjectsReturned: f"token {place.token!r} holds {place.key!r} twice",
    }
    try:
        token = pkcs11.lib(place.module).get_token(token_label=place.token)
        with token.open(user_pin=pin) as session:
            yield session
    except (exceptions.PKCS11Error, RuntimeError, OSError) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        said = reasons.get(type(error), f"{place.module}: the token cannot be used ({detail})")
        raise EnvironmentUnavailableError(
            said, advice="`auditkit keys list` shows what the keys file says"
        ) from error
