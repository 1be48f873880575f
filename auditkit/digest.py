"""Digests and canonical bytes: every digest auditkit prints is made here.

Canonical JSON is RFC 8785 (JSON Canonicalization Scheme). Floats are refused: a measured value is a
decimal string by the time it is encoded (see ``auditkit.records.base``).
"""

from __future__ import annotations

import hashlib
import json
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
    if _is_plain(value):
        # Python's encoder, written in C, makes the same bytes of these and takes a fifth of the time.
        try:
            return _PLAIN.encode(value).encode("utf-8")
        except UnicodeEncodeError:
            pass  # half a surrogate pair: the reference says what is wrong
    _refuse_floats(value, "$")
    return rfc8785.dumps(value)


_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_LARGEST = 2**53 - 1
_LAST_BMP = "\uffff"  # beyond it, RFC 8785 sorts keys by other units than Python does


def _is_plain(value: object) -> bool:
    """Whether Python's encoder writes a value as RFC 8785 does: exact types, and no rare case."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -_LARGEST <= value <= _LARGEST  # type: ignore[operator]
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))  # type: ignore[call-overload]
    if kind is dict:
        keys, values = value.keys(), value.values()  # type: ignore[attr-defined]
        return all(type(key) is str and max(key, default="") <= _LAST_BMP for key in keys) and all(
            map(_is_plain, values)
        )
    return False


def _refuse_floats(value: object, path: str) -> None:
    if isinstance(value, float):
        raise TypeError(f"{path} is a float; evidence holds integers and decimal strings only")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_floats(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_floats(item, f"{path}[{index}]")
