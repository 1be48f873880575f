"""Digests and canonical bytes: every digest auditkit prints is made here.

Canonical JSON is RFC 8785 (JSON Canonicalization Scheme). Floats are refused: a measured value is a
decimal string by the time it is encoded (see ``auditkit.records.base``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785

Json = Any  # null, bool, int, str, list, dict: no float


def sha256_hex(content: bytes) -> str:
    """The SHA-256 of the bytes, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def canonical_json(value: Json) -> bytes:
    """The RFC 8785 bytes of a JSON value made of null, booleans, integers, strings, lists and maps.

    Raises:
        TypeError: for a float anywhere inside, whose value would depend on how it was printed.
    """
    _refuse_floats(value, "$")
    return rfc8785.dumps(value)


def _refuse_floats(value: object, path: str) -> None:
    if isinstance(value, float):
        raise TypeError(f"{path} is a float; evidence holds integers and decimal strings only")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_floats(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_floats(item, f"{path}[{index}]")
