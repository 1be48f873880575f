"""A signing key kept by a remote service (Cloud Signature Consortium API, version 1.0.4.0).

Three calls: ``credentials/info`` for the certificates, ``credentials/authorize`` for the right to
sign given digests, ``signatures/signHash``. The document stays here; only its digest is sent.
"""

from __future__ import annotations

import base64
import binascii
import json
import urllib.error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import KeyKind, KeyLevel
from auditkit.signing.keys.pkcs12 import chain_of, scheme_at
from auditkit.signing.keys.schemes import (
    P256,
    P384,
    P521,
    PKCS1,
    PSS,
    Padding,
    Scheme,
    pss_parameters,
    public_key_of,
)
from auditkit.signing.keys.signer import level_of, load_certificate, pem_of_der
from auditkit.signing.outward import ask

# What an offered OID can be asked for: the scheme itself, or, of a key's kind, those with the digest told.
_RSA, _EC = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1"
_OFFERS = {each.oid: {each} for each in (P256, P384, P521, PSS, PKCS1)}
_OFFERS |= {_RSA: {PKCS1}, _EC: {P256, P384, P521}}
_CURVES = {P256: "1.2.840.10045.3.1.7", P384: "1.3.132.0.34", P521: "1.3.132.0.35"}
_TIMEOUT = 60.0
_LARGEST_ANSWER = 1024 * 1024


@dataclass(frozen=True)
class Service:
    """A remote service and a credential in it. ``token`` is its access token, ``pin`` the key's PIN."""

    url: str
    credential: str
    token: str = field(repr=False)
    pin: str | None = field(repr=False)

    def call(self, method: str, body: Mapping[str, object]) -> dict[str, Any]:
        """The answer to one call, a JSON object.

        Raises:
            EnvironmentUnavailableError: the service cannot be reached, refuses, or answers nonsense.
        """
        try:
            content = ask(
                f"{self.url.rstrip('/')}/csc/v1/{method}",
                json.dumps({"credentialID": self.credential, **body}).encode("utf-8"),
                {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
                timeout=_TIMEOUT,
                largest=_LARGEST_ANSWER,
            )
            answer = json.loads(content)
        except urllib.error.HTTPError as error:
            with error:
                raise self.failure(f"refused {method} (status {error.code})") from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise self.failure(f"cannot be reached ({reason})") from error
        except (ValueError, RecursionError) as error:
            raise self.failure(f"gave no usable answer to {method}") from error
        if not isinstance(answer, dict):
            raise self.failure(f"gave no usable answer to {method}")
        return answer

    def failure(self, what: str) -> EnvironmentUnavailableError:
        """The error that the service did something, or did not."""
        return EnvironmentUnavailableError(
            f"the signing service {self.url} {what}",
            advice="check its address, the credential, the access token and the PIN",
        )


@dataclass(frozen=True)
class RemoteKey:
    """A private key kept by a remote service, with its certificates."""

    service: Service
    certificate: bytes
    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    scheme: Scheme
    algorithm: str

    @property
    def level(self) -> KeyLevel:
        """What the certificate rests on."""
        return level_of(self.certificate)

    @property
    def kind(self) -> KeyKind:
        """A remote service's key."""
        return "csc"

    def sign(self, message: bytes) -> bytes:
        """The signature of the message, made by the service over its digest.

        Raises:
            EnvironmentUnavailableError: the service does not make it, or what it made does not verify
                with the certificate.
        """
        digest = base64.b64encode(self.scheme.digest_of(message)).decode("ascii")
        pin = {} if self.service.pin is None else {"PIN": self.service.pin}
        allowed = self.service.call(
            "credentials/authorize", {"numSignatures": 1, "hash": [digest], **pin}
        )
        order = {
            "SAD": allowed.get("SAD"),
            "hash": [digest],
            "hashAlgo": self.scheme.digest_oid,
            "signAlgo": self.algorithm,
        }
        if self.scheme is PSS:
            order["signAlgoParams"] = base64.b64encode(pss_parameters().dump()).decode("ascii")
        answer = self.service.call("signatures/signHash", order)
        try:
            (signature,) = answer["signatures"]
            made = base64.b64decode(signature, validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise self.service.failure("returned no signature") from error
        if not self.scheme.verify(public_key_of(load_certificate(self.certificate)), made, message):
            raise self.service.failure("returned a signature that is not by the certificate's key")
        return made


def csc_key(
    service: Service,
    *,
    more: Sequence[bytes] = (),
    roots: Sequence[bytes] = (),
    padding: Padding | None = None,
) -> RemoteKey:
    """The key of a credential at a remote service. ``more`` are issuers' certificates (PEM).

    Raises:
        EnvironmentUnavailableError: the service does not answer, auditkit does not sign with such a key,
            or the service offers no scheme it signs by.
    """
    answer = service.call("credentials/info", {"certificates": "chain"})
    try:
        held = [pem_of_der(base64.b64decode(der)) for der in answer["cert"]["certificates"]]
        own = held[0]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise service.failure("returned no certificate") from error
    where = f"{service.url}, credential {service.credential!r}"
    scheme, algorithm = _chosen(service, where, own, answer.get("key", {}), padding)
    chain = chain_of(own, [*held[1:], *more])
    return RemoteKey(service, own, chain, tuple(roots), scheme, algorithm)


def _chosen(
    service: Service, where: str, own: bytes, said: object, padding: Padding | None
) -> tuple[Scheme, str]:
    """How the key signs, and the OID to ask for it by, from what the service says of the key."""
    if not isinstance(said, dict) or not isinstance(said.get("algo", []), list):
        raise service.failure("describes the key in no usable way")
    algorithms = [str(each) for each in said.get("algo", [])]
    offered = frozenset(scheme for oid in algorithms for scheme in _OFFERS.get(oid, ()))
    scheme = scheme_at(where, own, padding, offered if algorithms else None)
    size = public_key_of(load_certificate(own)).key_size
    facts = (said.get("len", size), said.get("curve", _CURVES.get(scheme)))
    if facts != (size, _CURVES.get(scheme)):
        raise service.failure("describes another key than its certificate's")
    named = scheme.oid in algorithms or not algorithms
    return scheme, scheme.oid if named else next(
        o for o in algorithms if scheme in _OFFERS.get(o, ())
    )
