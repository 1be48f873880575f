"""What cannot be seen or passes for another character is spelled out, and honest texts are not."""

# ruff: noqa: RUF001 - letters that pass for others are what is tested

from __future__ import annotations

import sys
import unicodedata
from importlib import import_module

import pytest

from auditkit.characters import scripts
from auditkit.characters.spelling import (
    LOOKALIKES,
    is_hidden,
    script_of,
    unmasked,
    unspelled,
    visible,
)

HONEST = (
    "Ελληνική Τράπεζα",
    "Система поддержки Alpha с контролем",
    "Яндекс GPT-модель",
    "カスタマーAIサポート、ver.２",
    "日本語　モデル",
    "ＡＩ株式会社",
    "AI모델 GPT는",
    "注音ㄅㄆ符號AI",
    "نظام الفرز ٣",
    "می\u200cخواهم",
    "हिन्दी मॉडल AIका",
    "क्\u200dष",
    "বাংলা তথ্য",
    "தமிழ் மொழி",
    "മലയാളം",
    "ภาษาไทยAIเป็นระบบ",
    "မြန်မာ",
    "ភាសាខ្មែរ",
    "བོད་ཡིག",
    "שָׁלוֹם מערכת AI",
    "Հայերեն",
    "ქართული",
    "አማርኛ",
    "Tiếng Việt, Þórr, Łódź, Hawaiʻi, Straße",
    "u\u0308ber, e\u0301, =\u0338",
    "10\u202f000 «\u00a0mots\u00a0»",
    "Model α, ℓ1, 10 µm",
)
HIDDEN = (
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200e\u2060\u2063\u2064\u206f\u2800\u3164\ufe00\ufe0f",
    *"\ufeff\uffa0\ufff0\ufffc\U0001bca0\U0001d159\U0001d173\U00016fe4\U000e0001\U000e0041\U000e0100\U000e0fff",
)


@pytest.mark.parametrize("text", HONEST)
def test_honest_texts_of_many_scripts_print_as_they_are(text: str) -> None:
    """No letter, mark, joiner or space of an honest text is spelled out."""
    assert visible(text) == text
    assert unmasked(text) == text


@pytest.mark.parametrize("character", HIDDEN, ids=lambda each: f"U+{ord(each):04X}")
def test_what_is_drawn_as_nothing_is_spelled_out(character: str) -> None:
    """Ignorable code points, fillers, blanks, variation selectors and tags are seen."""
    assert is_hidden(character)
    assert visible(f"a{character}b") == f"a[U+{ord(character):04X}]b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("а", "а"),
        ("\u0441ompliant", "[U+0441]ompliant"),
        ("\u0410pple", "[U+0410]pple"),
        ("P\u03b1yP\u03b1l", "P[U+03B1]yP[U+03B1]l"),
        ("c\u0585mpliant", "c[U+0585]mpliant"),
        ("c\u101dmpliant", "c[U+101D]mpliant"),
        ("\u13a0BC", "[U+13A0]BC"),
        ("\U0001d400pproved", "[U+1D400]pproved"),
        ("Банk", "Бан[U+006B]"),
        ("\u039dα\u0438", "\u039dα[U+0438]"),
    ],
)
def test_letters_of_another_script_within_a_word_are_spelled_out(text: str, shown: str) -> None:
    """A word has one script, or scripts that are written together (UTS 39)."""
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u00a0\u00a0b", "a[U+00A0][U+00A0]b"),
        ("a \u3000b", "a [U+3000]b"),
        ("\u00a0a", "[U+00A0]a"),
        ("a\u2003b", "a[U+2003]b"),
        ("a\u1680b", "a[U+1680]b"),
        ("n\u0336o", "n[U+0336]o"),
        ("a\u20dd", "a[U+20DD]"),
        ("\u0301a", "[U+0301]a"),
        ("a\u0301\u0301", "a\u0301[U+0301]"),
        (
            "a\u0300\u0301\u0302\u0303\u0304\u0305",
            "a\u0300\u0301\u0302\u0303[U+0304][U+0305]",
        ),
        ("a\u200db", "a[U+200D]b"),
        ("a\u200cb", "a[U+200C]b"),
        ("\u062f\u200c\u0646", "\u062f[U+200C]\u0646"),
        ("\u0645\u200c\u200c\u06cc", "\u0645[U+200C][U+200C]\u06cc"),
    ],
)
def test_spaces_marks_and_joiners_out_of_place_are_spelled_out(text: str, shown: str) -> None:
    """Each is honest where it is written so, and is seen everywhere else."""
    assert visible(text) == shown


def test_a_whole_word_that_passes_for_a_latin_one_is_spelled_out() -> None:
    """Beside Latin words only, and only where no other letter of its script shows what it is."""
    assert unmasked("\u0410\u0421\u041c\u0415 Bank") == "[U+0410][U+0421][U+041C][U+0415] Bank"
    assert unmasked("\u0410\u0421\u041c\u0415") == "\u0410\u0421\u041c\u0415"


def test_a_text_is_read_without_its_disguise() -> None:
    """Hidden characters, lookalikes, styled and wide letters do not hide a word from the check."""
    said = "\u0441erti\u200bfied \U0001d41aｓ\u00a0\u00a0consist\u0435nt\u0301"
    assert unspelled(said) == "certified as consistent"


def test_lookalikes_are_letters_of_the_three_scripts() -> None:
    """One Latin letter for each letter of Cyrillic, Greek or Armenian."""
    assert {script_of(each) for each in LOOKALIKES} == {"Cyrl", "Grek", "Armn"}
    assert all(each.isascii() and each.isalpha() for each in LOOKALIKES.values())


def test_the_table_of_scripts_is_that_of_unicode() -> None:
    """Every letter has the script that Unicode's own data, and its name, give it."""
    database = import_module("fontTools.unicodedata")
    named = {
        "LATIN": "Latn",
        "CYRILLIC": "Cyrl",
        "GREEK": "Grek",
        "HIRAGANA": "Hira",
        "ARABIC": "Arab",
    }
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        script = script_of(letter)
        if not script or script == "styled":
            continue
        assert script == database.script(letter), f"U+{code:04X}"
        first = unicodedata.name(letter, "").split(" ")[0]
        assert named.get(first, script) == script or code > 0x1D000, f"U+{code:04X}"
    assert scripts.UNICODE
