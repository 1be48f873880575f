"""Words in declared texts that say more than an audit can, and characters that are not what they look like.

They are warnings. A declared text is data, printed in quotes as declared, so it cannot read as the report's
verdict; and a list of words cannot tell a claim from a sentence about it. No list is complete either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditkit.characters.spelling import unmasked, unspelled, visible
from auditkit.errors import Problem
from auditkit.law.overclaims import APPROVALS, OVERCLAIMS, VERDICT_WORDS
from auditkit.policy.loading import LoadedPolicy
from auditkit.policy.source import KeyPath, Value, dotted

_DECLARED = re.compile(
    r"(system|declared_by|instructions_for_use)\b.*|model\.(path|hub)"
    r"|tasks\[\d+\]\.(title|concerns\[\d+\]|expected\.source)",
)
_NAMES = re.compile(
    r"system\.(name|version)|.*\.name|declared_by\..*|model\..*|tasks\[\d+\]\.(title|expected\.source)",
)
"""Keys of texts that stand on page 1, in headings and titles."""
_SPELLED = re.compile(r"\[U\+[0-9A-F]{4,6}\]")
_MOST_CODES = 5


def overclaiming(loaded: LoadedPolicy) -> tuple[Problem, ...]:
    """What a reader of the policy's declared texts could be misled by: one warning for each text."""
    return tuple(
        loaded.problem(path, "; ".join(said), "it is printed in quotes, as declared")
        for path, text in _texts(loaded.source.data, ())
        if _DECLARED.fullmatch(dotted(path)) and (said := list(_misleading(dotted(path), text)))
    )


def _texts(value: Value, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, (*path, key))
    elif isinstance(value, tuple):
        for place, each in enumerate(value):
            yield from _texts(each, (*path, place))


def _misleading(key: str, text: str) -> Iterator[str]:
    """What is to be said of one text."""
    read = unspelled(text)
    claims = [OVERCLAIMS, APPROVALS]
    if words := _found(read, claims):
        yield f"{words} says more than an audit can"
    if _NAMES.fullmatch(key):
        if words := _found(read, [VERDICT_WORDS]):
            yield f"{words} is a word of the report's own result"
        if codes := dict.fromkeys(_SPELLED.findall(visible(unmasked(text)))):
            listed = ", ".join(list(codes)[:_MOST_CODES])
            yield f"characters in it cannot be seen, or pass for others: {listed}"


def _found(text: str, patterns: list[re.Pattern[str]]) -> str:
    said = [found.lower() for pattern in patterns for found in pattern.findall(text)]
    return ", ".join(map(repr, dict.fromkeys(said)))
