"""Characters that a reader would not see, or would take for others, spelled out as ``[U+...]``.

Hidden: controls, every ``Default_Ignorable_Code_Point`` of Unicode, blanks that are no spaces, and spaces
that are not what they look like. Taken for others: letters of another script within a word (UTS 39), marks
that strike letters out, and marks piled up. Texts in one script print as they are.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from auditkit.characters.scripts import RANGES

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]",
)
"""``Default_Ignorable_Code_Point`` (DerivedCoreProperties.txt)."""
_BLANK = frozenset("\u2800\ufffc\U0001d159\U00016fe4")
"""Drawn as nothing, though no space and not ignorable."""
_USUAL_SPACES = frozenset("\u00a0\u2009\u202f\u3000")
"""Spaces of French, of numbers and of East Asian texts: alone between two words they are honest."""
_JOINERS = frozenset("\u200c\u200d")
_JOINS_NOTHING_AFTER = frozenset(
    "\u0621\u0622\u0623\u0624\u0625\u0627\u0629\u062f\u0630\u0631\u0632\u0648"
    "\u0688\u0691\u0698\u06c0\u06d2\u06d5",
)
"""Arabic letters that do not join the next one: a non-joiner behind them cannot be seen."""
_VIRAMA, _OVERLAY, _MOST_MARKS = 9, 1, 4
_WORD_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nl"})
_TOGETHER = (
    frozenset({"Hani", "Hira", "Kana"}),
    frozenset({"Hani", "Bopo"}),
    frozenset({"Hani", "Hang"}),
)
"""Scripts that one word may mix, also with Latin: UTS 39, 5.2, highly restrictive."""
_WITH_LATIN = frozenset(
    re.findall(
        r"\w+",
        "Arab Beng Deva Ethi Geor Gujr Guru Hebr Khmr Knda Laoo Mlym Mymr Orya Sinh Taml Telu Thaa Thai Tibt",
    ),
)
"""Scripts that may stand beside Latin in a word: UTS 39, moderately restrictive, but not Armenian."""
_STYLED = "styled"

LOOKALIKES = dict(
    zip(
        "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u050c\u051a"
        "\u051c\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d\u04cf"
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
        "\u0585\u057d\u0578\u0570\u0581\u054d\u0555",
        "ABESIJKMHOPCTYXGQWaeopcyxsijhdqwlABEZHIKMNOPTYXoounhgUO",
        strict=True,
    ),
)
"""Letters of Cyrillic, Greek and Armenian that pass for Latin ones (UTS 39, confusables.txt)."""


@cache
def _table() -> tuple[tuple[int, ...], tuple[tuple[int, str], ...]]:
    rows = [
        (int(first, 16), int(last, 16), script)
        for first, last, script in (re.split("[-:]", each) for each in RANGES.split())
    ]
    return tuple(row[0] for row in rows), tuple(row[1:] for row in rows)


@cache
def script_of(letter: str) -> str:
    """The script of a letter, by its four letters (ISO 15924); nothing for what many scripts share."""
    code = ord(letter)
    if unicodedata.category(letter) not in _WORD_CATEGORIES:
        return ""
    if 0x1D400 <= code <= 0x1D7FF or 0x2100 <= code <= 0x214F:
        return _STYLED  # letters of formulas, which pass for Latin and Greek ones
    firsts, rows = _table()
    place = bisect_right(firsts, code) - 1
    return rows[place][1] if place >= 0 and code <= rows[place][0] else ""


def visible(text: str, drawable: frozenset[int] | None = None) -> str:
    """The text with every character spelled out that a reader would not see, or would take for another,
    and every one outside ``drawable``.

    A right-to-left override becomes ``[U+202E]``: it is shown, and has no effect.
    """
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable() and drawable is None:
        return text
    places = set(_hidden(text)) | set(_foreign(text))
    return "".join(
        spelled(character)
        if place in places
        or (drawable is not None and character not in "\n\t" and ord(character) not in drawable)
        else character
        for place, character in enumerate(text)
    )


def unmasked(text: str) -> str:
    """The text with whole words spelled out that pass for Latin ones, where it has Latin words too.

    Such a word is no mixed one. It is honest where other letters of its script stand in the text.
    """
    scripts = {script_of(character) for character in text}
    masked = {
        script
        for script in scripts - {""}
        if script != "Latn" and all(c in LOOKALIKES for c in text if script_of(c) == script)
    }
    if "Latn" not in scripts or not masked:
        return text
    return "".join(spelled(c) if script_of(c) in masked else c for c in text)


def unspelled(text: str) -> str:
    """The text as a reader takes it: nothing hidden, lookalikes and styled letters as plain ones."""
    plain = (LOOKALIKES.get(c, c) for c in unicodedata.normalize("NFKC", text))
    kept = (c for c in plain if not is_hidden(c) and unicodedata.category(c) not in {"Mn", "Me"})
    return " ".join("".join(kept).split())


def is_hidden(character: str) -> bool:
    """Whether a character would not be seen, or would rearrange what is seen around it."""
    if character in "\n\t":
        return False
    return (
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        or character in _BLANK
        or _IGNORABLE.match(character) is not None
    )


def spelled(character: str) -> str:
    """A character by its code point."""
    return f"[U+{ord(character):04X}]"


def _hidden(text: str) -> Iterator[int]:
    """The places of hidden characters, of spaces that are not what they seem, and of marks too many."""
    marks = 0
    for place, character in enumerate(text):
        before = text[place - 1] if place else " "
        after = text[place + 1] if place + 1 < len(text) else " "
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if is_hidden(character):
            if character not in _JOINERS or not _joins(before, character, after):
                yield place
        elif category == "Zs" and character != " ":
            if character not in _USUAL_SPACES or before.isspace() or after.isspace():
                yield place
        elif marks and _is_odd_mark(before, character, category, marks):
            yield place


def _joins(before: str, joiner: str, after: str) -> bool:
    """Whether a joiner does what it is for (RFC 5892, appendix A): behind a virama, or between letters that
    would join without it."""
    if unicodedata.combining(before) == _VIRAMA:
        return True
    return (
        joiner == "\u200c"
        and unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
        and before not in _JOINS_NOTHING_AFTER
    )


def _is_odd_mark(before: str, mark: str, category: str, marks: int) -> bool:
    """Whether a mark strikes out or encloses a letter, stands on nothing, or is one of a pile (UTS 39)."""
    if category == "Me" or marks > _MOST_MARKS or mark == before:
        return True
    if before.isspace() or is_hidden(before):
        return True
    strikes = unicodedata.combining(mark) == _OVERLAY
    return strikes and len(unicodedata.normalize("NFC", before + mark)) > 1


def _foreign(text: str) -> Iterator[int]:
    """The places of letters that are not of their word's script."""
    in_word = enumerate(text)
    for is_word, run in groupby(
        in_word,
        lambda each: unicodedata.category(each[1]) in _WORD_CATEGORIES,
    ):
        if is_word:
            letters = [(place, script_of(letter)) for place, letter in run]
            yield from _strangers([each for each in letters if each[1]])


def _strangers(letters: list[tuple[int, str]]) -> Iterator[int]:
    counts = Counter(script for _place, script in letters)
    others = counts.keys() - {"Latn"}
    if len(counts) <= 1 or any(others <= each for each in _TOGETHER):
        return
    if "Latn" in counts and len(others) == 1 and others <= _WITH_LATIN:
        yield from _lone(letters)
        return
    # Where no script has more letters, the word is taken for a Latin one.
    own = max(counts, key=lambda script: (counts[script], script == "Latn", script))
    yield from (place for place, script in letters if script != own)


def _lone(letters: list[tuple[int, str]]) -> Iterator[int]:
    """Single letters between Latin ones: no word is written so, and such a letter may pass for one."""
    runs = [list(run) for _script, run in groupby(letters, lambda each: each[1])]
    for place, run in enumerate(runs[1:-1], start=1):
        if len(run) == 1 and runs[place - 1][0][1] == "Latn":
            yield run[0][0]
