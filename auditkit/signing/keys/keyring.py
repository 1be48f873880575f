"""Which keys a machine has: names, where each key is, and by what its certificates are judged.

Policies are shared and name a key; keys are not shared. What a name means stands in a file of the
machine. Secrets do not stand there: each entry says where its passphrase or PIN comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pydantic import AfterValidator, Field, model_validator

from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import PadesLevel
from auditkit.records.base import Record
from auditkit.signing.keys.csc import Service, csc_key
from auditkit.signing.keys.pkcs11 import Place, pkcs11_key
from auditkit.signing.keys.pkcs12 import pkcs12_key
from auditkit.signing.keys.schemes import Padding
from auditkit.signing.keys.signer import (
    Signer,
    development_key,
    issued_by,
    load_certificate,
    refuse_outside_its_time,
)
from auditkit.signing.outward import address_problem

DEFAULT_KEY = "default"
"""The development key, unless the keys file says otherwise."""

KEY_NAME = r"^[a-z][a-z0-9_-]{0,63}$"

_Text = Annotated[str, Field(min_length=1, max_length=1000)]


class Secret(Record):
    """Where a secret comes from: an environment variable, a private file, or whoever is asked."""

    env: _Text | None = None
    file: _Text | None = None
    prompt: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.env, self.file, self.prompt)) != 1:
            raise ValueError("write exactly one of env, file and prompt")
        return self


class _Entry(Record):
    """``trust`` are files of root certificates (PEM), ``chain`` of the issuers between."""

    trust: tuple[_Text, ...] = ()
    chain: tuple[_Text, ...] = ()


class _OwnEntry(_Entry):
    """A key from elsewhere. ``rsa_padding`` is how an RSA key signs, where PSS is not to be tried first."""

    rsa_padding: Padding | None = None


class DevelopmentEntry(_Entry):
    """The development key that auditkit makes itself."""

    kind: Literal["development"]


class Pkcs12Entry(_OwnEntry):
    """A PKCS#12 file and its passphrase."""

    kind: Literal["pkcs12"]
    file: _Text
    passphrase: Secret


def _to_send_to(url: str) -> str:
    if problem := address_problem(url, secret=True):
        raise ValueError(f"the address {problem}")
    return url


class Pkcs11Entry(_OwnEntry):
    """A key on a token: the module's path, the labels of the token and the key, the PIN."""

    kind: Literal["pkcs11"]
    module: _Text
    token: _Text
    key: _Text
    pin: Secret


class CscEntry(_OwnEntry):
    """A credential of a remote signing service, the access token for it, and its PIN if it has one."""

    kind: Literal["csc"]
    url: Annotated[
        str, Field(pattern=r"^https?://[^\s]+$", max_length=1000), AfterValidator(_to_send_to)
    ]
    credential: _Text
    token: Secret
    pin: Secret | None = None


Entry = Annotated[
    DevelopmentEntry | Pkcs12Entry | Pkcs11Entry | CscEntry, Field(discriminator="kind")
]


class KeysFile(Record):
    """The keys of a machine by name."""

    keys: dict[Annotated[str, Field(pattern=KEY_NAME)], Entry] = Field({})


ReadSecret = Callable[[Secret, str], str]
"""Gets a secret from where it is said to be; the text says what for."""


def open_key(
    name: str, entry: Entry, folder: Path, development: Path, secret: ReadSecret, now: datetime
) -> Signer:
    """The key of an entry, ready to sign at a moment.

    ``folder`` is where relative files start, ``development`` the folder of the development key.

    Raises:
        EnvironmentUnavailableError: the key is not there or cannot be used, its certificate is not
            valid at the moment, or an authority's certificate leads to none of its roots.
    """
    roots = tuple(pem for file in entry.trust for pem in read_certificates(folder / file))
    more = tuple(pem for file in entry.chain for pem in read_certificates(folder / file))
    key = _opened(name, entry, folder, development, secret, now, more, roots)
    what = f"key {name!r}: the certificate"
    refuse_outside_its_time(key.certificate, now, what, "use another key, or renew its certificate")
    if key.level == "organisation":
        _require_root(name, key)
    return key


def _opened(
    name: str,
    entry: Entry,
    folder: Path,
    development: Path,
    secret: ReadSecret,
    now: datetime,
    more: tuple[bytes, ...],
    roots: tuple[bytes, ...],
) -> Signer:
    if isinstance(entry, Pkcs12Entry):
        passphrase = secret(entry.passphrase, f"passphrase of key {name!r}")
        return pkcs12_key(
            folder / entry.file, passphrase, more=more, roots=roots, padding=entry.rsa_padding
        )
    if isinstance(entry, Pkcs11Entry):
        pin = secret(entry.pin, f"PIN of key {name!r}")
        place = Place(entry.module, entry.token, entry.key)
        return pkcs11_key(place, pin, more=more, roots=roots, padding=entry.rsa_padding)
    if isinstance(entry, CscEntry):
        token = secret(entry.token, f"access token of key {name!r}")
        own_pin = None if entry.pin is None else secret(entry.pin, f"PIN of key {name!r}")
        service = Service(entry.url, entry.credential, token, own_pin)
        return csc_key(service, more=more, roots=roots, padding=entry.rsa_padding)
    return replace(development_key(development, now), roots=roots)


def highest_level(key: Signer) -> PadesLevel:
    """The highest level a key can reach; what a self-signed certificate lacks is revocation."""
    return "B-LTA" if key.level == "organisation" else "B-T"


def read_certificates(path: Path) -> list[bytes]:
    """The certificates in a PEM file, each in PEM form.

    Raises:
        EnvironmentUnavailableError: the file cannot be read, or holds none.
    """
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{path}: the certificates cannot be read ({error.strerror or error})",
            advice="name a file of certificates in PEM form in the keys file",
        ) from error
    except ValueError as error:
        raise EnvironmentUnavailableError(
            f"{path}: not certificates in PEM form (RFC 7468)",
            advice="name a file of certificates in PEM form in the keys file",
        ) from error
    return [each.public_bytes(serialization.Encoding.PEM) for each in found]


def _require_root(name: str, key: Signer) -> None:
    last = load_certificate((key.certificate, *key.chain)[-1])
    if not any(issued_by(last, load_certificate(root)) for root in key.roots):
        issuer = last.issuer.rfc4514_string()
        raise EnvironmentUnavailableError(
            f"key {name!r}: its certificates lead to {issuer}, which is no root it is judged by",
            advice=f"name the root's file under keys.{name}.trust, and issuers between under chain",
        )
