"""A signing key on a token, reached through its PKCS#11 module: a smart card, or a hardware module.

The private key never leaves the token. Some modules, SoftHSM2 among them, offer ECDSA only over a
digest made by the caller, so that is what is asked of every token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import KeyKind, KeyLevel
from auditkit.signing.keys.pkcs12 import chain_of, refuse_other_keys
from auditkit.signing.keys.signer import level_of, pem_of_der


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
        """The ECDSA P-256 signature (DER) of the message's SHA-256, made by the token.

        Raises:
            EnvironmentUnavailableError: the token or its key cannot be used.
        """
        with _session(self.place, self.pin) as session:
            from pkcs11 import Mechanism, ObjectClass
            from pkcs11.util.ec import encode_ecdsa_signature

            found = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=self.place.key)
            digest = hashlib.sha256(message).digest()
            return bytes(encode_ecdsa_signature(found.sign(digest, mechanism=Mechanism.ECDSA)))


def pkcs11_key(
    place: Place, pin: str, *, more: Sequence[bytes] = (), roots: Sequence[bytes] = ()
) -> TokenKey:
    """The key on a token, with the certificate of the same label there.

    ``more`` are certificates (PEM) of issuers that the token does not hold.

    Raises:
        EnvironmentUnavailableError: the module, the token, the key or its certificate is missing, the
            PIN is wrong, or the key is not an EC P-256 key.
    """
    with _session(place, pin) as session:
        from pkcs11 import Attribute, ObjectClass

        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=place.key)
        held = [
            (item[Attribute.LABEL], pem_of_der(item[Attribute.VALUE]))
            for item in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
        ]
    own = [pem for label, pem in held if label == place.key]
    if len(own) != 1:
        raise EnvironmentUnavailableError(
            f"token {place.token!r} holds {len(own)} certificates labelled {place.key!r}, not one",
            advice="store the key's certificate on the token under the key's label",
        )
    refuse_other_keys(f"token {place.token!r}", own[0])
    chain = chain_of(own[0], [*(pem for _, pem in held), *more])
    return TokenKey(place, own[0], chain, tuple(roots), pin)


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
