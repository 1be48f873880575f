"""Characters that no policy may hold: a reader would not see what they do."""

from __future__ import annotations

import re

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls except newline and tab, line separators, direction overrides, and broken characters.

A byte that is not UTF-8 stands here as a lone surrogate (PEP 383).
"""


def describe(character: str) -> tuple[str, str]:
    """What a forbidden character is, and what to do about it."""
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return "the text is not UTF-8 here", "save the policy as UTF-8 and retype the character"
    name = f"U+{code:04X}"
    if 0x202A <= code <= 0x2069:
        return f"the text holds {name}, which changes the reading direction", "delete the character"
    return f"the text holds the control character {name}", "delete the character"


def visible(text: str) -> str:
    """The text with every forbidden character spelled out, so that it can be shown."""
    return FORBIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def quoted(text: str) -> str:
    """The text in quotes as a message shows it: escapes spelled out, and at most 60 characters."""
    return f"{text[:57]!r}..." if len(text) > 60 else repr(text)
