"""Timestamps from a service (RFC 3161): that a signature existed, said by somebody else's clock."""

from __future__ import annotations

import asyncio
import urllib.error
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import tsp
from pyhanko.sign.timestamps.api import TimeStamper

from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import PadesLevel
from auditkit.signing.outward import address_problem, ask, shown_address

_TIMEOUT = 30.0
_LARGEST_ANSWER = 1024 * 1024


def instant(moment: datetime) -> str:
    """A moment in UTC as records write it, for example ``2026-11-20T09:30:00Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Plan:
    """Which baseline level a signature is to reach, and where its timestamps come from."""

    level: PadesLevel
    timestamp_url: str | None = None

    def __post_init__(self) -> None:
        if (self.timestamp_url is None) != (self.level == "B-B"):
            raise ValueError("a timestamp service goes with every level but B-B")

    @property
    def long_term(self) -> bool:
        """Whether certificates and revocation information go into the file."""
        return self.level in {"B-LT", "B-LTA"}

    def timestamper(self) -> HttpTimeStamper | None:
        """What asks for timestamps; ``None`` at level B-B."""
        return None if self.timestamp_url is None else HttpTimeStamper(self.timestamp_url)


PLAIN = Plan("B-B")


class HttpTimeStamper(TimeStamper):
    """Asks a timestamp service over HTTP. Its failures are one line that names the service."""

    def __init__(self, url: str) -> None:
        if problem := address_problem(
            url, secret=False
        ):  # only a digest is sent, and the answer is signed
            raise ValueError(f"the address of a timestamp service {problem}")
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """The service's answer to a request.

        Raises:
            EnvironmentUnavailableError: it cannot be reached, or does not answer with a timestamp.
        """
        return await asyncio.to_thread(self._ask, req.dump())

    def _ask(self, request: bytes) -> tsp.TimeStampResp:
        headers = {"Content-Type": "application/timestamp-query"}
        try:
            answer = ask(self._url, request, headers, timeout=_TIMEOUT, largest=_LARGEST_ANSWER)
            return tsp.TimeStampResp.load(answer, strict=True)
        except urllib.error.HTTPError as error:
            with error:
                raise self._failure(f"answered with status {error.code}") from error
        except OSError as error:
            raise self._failure(f"cannot be reached ({getattr(error, 'reason', error)})") from error
        except ValueError as error:
            raise self._failure("did not answer with a timestamp") from error

    def _failure(self, what: str) -> EnvironmentUnavailableError:
        return EnvironmentUnavailableError(
            f"the timestamp service {shown_address(self._url)} {what}",
            advice="check signing.timestamp_url and the network, or sign at level B-B",
        )
