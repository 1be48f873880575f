"""A signing key kept by a remote service (Cloud Signature Consortium API, version 1.0.4.0).

Three calls: ``credentials/info`` for the certificates, ``credentials/authorize`` for the right to
sign given digests, ``signatures/signHash``. The document stays here; only its digest is sent.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import urllib.error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import KeyKind, KeyLevel
from auditkit.signing.keys.pkcs12 import chain_of, refuse_other_keys
from auditkit.signing.keys.signer import level_of, pem_of_der
from auditkit.signing.outward import ask

_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
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

    @property
    def level(self) -> KeyLevel:
        """What the certificate rests on."""
        return level_of(self.certificate)

    @property
    def kind(self) -> KeyKind:
        """A remote service's key."""
        return "csc"

    def sign(self, message: bytes) -> bytes:
        """The ECDSA P-256 signature (DER) of the message's SHA-256, made by the service.

        Raises:
            EnvironmentUnavailableError: the service does not make it.
        """
        digest = base64.b64encode(hashlib.sha256(message).digest()).decode("ascii")
        pin = {} if self.service.pin is None else {"PIN": self.service.pin}
        allowed = self.service.call(
            "credentials/authorize", {"numSignatures": 1, "hash": [digest], **pin}
        )
        order = {
            "SAD": allowed.get("SAD"),
            "hash": [digest],
            "hashAlgo": _SHA256,
            "signAlgo": _ECDSA_SHA256,
        }
        answer = self.service.call("signatures/signHash", order)
        try:
            (signature,) = answer["signatures"]
            return base64.b64decode(signature, validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise self.service.failure("returned no signature") from error


def csc_key(
    service: Service, *, more: Sequence[bytes] = (), roots: Sequence[bytes] = ()
) -> RemoteKey:
    """The key of a credential at a remote service. ``more`` are issuers' certificates (PEM).

    Raises:
        EnvironmentUnavailableError: the service does not answer, or not with an EC P-256 certificate.
    """
    answer = service.call("credentials/info", {"certificates": "chain"})
    try:
        held = [pem_of_der(base64.b64decode(der)) for der in answer["cert"]["certificates"]]
        own = held[0]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise service.failure("returned no certificate") from error
    refuse_other_keys(f"{service.url}, credential {service.credential!r}", own)
    return RemoteKey(service, own, chain_of(own, [*held[1:], *more]), tuple(roots))
