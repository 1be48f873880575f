"""Asks a service over the network, once, and at the address given only: no redirect takes a secret along."""

from __future__ import annotations

import ipaddress
import urllib.request
from collections.abc import Mapping
from typing import IO
from urllib.parse import urlsplit

_LOCAL_NAMES = frozenset({"localhost"})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other that is not wanted: headers would go along to another host."""

    def redirect_request(
        self, req: object, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> None:
        """None: the redirect is not followed, and its status is the failure."""
        del req, fp, code, msg, headers, newurl


_OPENER = urllib.request.build_opener(_NoRedirects())


def ask(
    url: str, body: bytes, headers: Mapping[str, str], *, timeout: float, largest: int
) -> bytes:
    """The answer to one request, at most ``largest`` bytes of it.

    Raises:
        OSError: the service cannot be reached, or answers with another status than success, a redirect
            among them (``urllib.error.HTTPError``).
    """
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310 - see ``address_problem``
    with _OPENER.open(request, timeout=timeout) as response:
        content: bytes = response.read(largest)
        return content


def address_problem(url: str, *, secret: bool) -> str:
    """Why an address is not one to ask; empty where it is. ``secret``: what is sent must not be read."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "is not a web address"
    if parts.scheme not in {"http", "https"} or not host:
        return "is not a web address"
    if parts.username is not None or parts.password is not None:
        return "holds a name or a password: these are printed with it"
    if secret and parts.scheme == "http" and not _is_this_machine(host):
        return "is not encrypted: write https"
    return ""


def shown_address(url: str | None) -> str | None:
    """An address as a record may state it: without its query, which may hold a key."""
    if url is None:
        return None
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES
