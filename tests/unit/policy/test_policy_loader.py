"""A policy is read as written: no surprise of YAML survives, and every problem has its line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from auditkit.errors import InputError
from auditkit.policy import load_policy
from auditkit.policy.source import MAX_BYTES, dotted, read_source


def faults(content: str | bytes) -> list[tuple[int | None, str, str]]:
    """Line, key and message of every problem of notation."""
    raw = content.encode() if isinstance(content, str) else content
    try:
        problems = read_source(raw, "p.yaml").problems
    except InputError as error:
        problems = error.problems
    return [(each.line, each.key, each.message) for each in problems]


def test_only_true_false_null_and_plain_integers_are_typed() -> None:
    """Everything else stays the text that was written, decimals and dates too."""
    text = """
typed: [true, false, null, ~, , 0, -3, 42]
kept: [0.1, 1.10, 1e-3, NO, yes, on, True, Null, 12:30:45, 2026-01-01, 012, 0x1F, 1_000, +1, .inf]
quoted: ["1", 'true', "null", ""]
"""
    data = read_source(text.replace(", ,", ", '',").encode(), "p").data
    assert isinstance(data["kept"], tuple)
    assert all(isinstance(each, str) for each in data["kept"])
    assert data["typed"] == (True, False, None, None, "", 0, -3, 42)
    assert " ".join(map(str, data["kept"])) == (
        "0.1 1.10 1e-3 NO yes on True Null 12:30:45 2026-01-01 012 0x1F 1_000 +1 .inf"
    )
    assert data["quoted"] == ("1", "true", "null", "")


def test_an_integer_too_long_to_be_one_stays_text() -> None:
    """Five thousand digits are kept as text."""
    assert read_source(b"a: " + b"9" * 5000, "p").data["a"] == "9" * 5000


def test_an_empty_value_is_null() -> None:
    """A key without a value is null, and the next key is its own."""
    assert read_source(b"a:\nb: 1\n", "p").data == {"a": None, "b": 1}


def test_every_key_and_list_entry_has_its_line() -> None:
    """A key that is missing has the line of the nearest one above it."""
    source = read_source(b"a: 1\nb:\n  - x\n  - c: 2\n    d: 3\n", "p")
    assert source.lines[("a",)] == 1
    assert source.lines[("b", 0)] == 3
    assert source.lines[("b", 1, "d")] == 5
    assert source.line_of(("b", 1, "missing")) == 4


def test_a_key_path_is_written_as_a_reader_would() -> None:
    """Plain keys are joined by dots; indices and other keys stand in brackets."""
    path = ("tasks", 0, "expected", "min_recall")
    assert dotted(path) == "tasks[0].expected.min_recall"
    assert dotted(("instructions_for_use", "13(3)(d)")) == 'instructions_for_use["13(3)(d)"]'


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    """The same values and lines are read."""
    plain = read_source("a: é\nb: |\n  x\n  y\n".encode(), "p")
    other = read_source("\ufeffa: é\r\nb: |\r\n  x\r\n  y\r\n".encode(), "p")
    assert (other.data, other.lines) == (plain.data, plain.lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, "a", "the key is written twice, first on line 1")),
        ("a:\n  b: 1\n  b: 2\n", (3, "a.b", "the key is written twice, first on line 2")),
        ("a: &x 1\n", (1, "a", "the anchor &x is not read")),
        ("a: 1\nb: *x\n", (2, "b", "the alias *x is not read")),
        ("a: 1\nb:\n  <<: {c: 1}\n", (3, "b", "the merge key << is not read")),
        ("a: !!str 1\n", (1, "a", "the tag tag:yaml.org,2002:str is not read")),
        ("a: !!python/object:os.system {}\n", (1, "a", "the tag")),
        ("a: ! 1\n", (1, "a", "the tag ! is not read")),
        ("a: 1\n2: b\n", (2, "", "the key 2 is not a text")),
        ("true: b\n", (1, "", "the key true is not a text")),
        ("? \n: b\n", (1, "", "the key that is empty is not a text")),
        ("? [a, b]\n: c\n", (1, "", "a list, a map or an alias cannot be a key")),
        ("a: 1\n---\nb: 2\n", (2, "", "a second YAML document begins here")),
        ("%YAML 1.1\n---\na: 1\n", (1, "", "a %YAML or %TAG line is not read")),
        ("", (None, "", "the policy is empty")),
        ("# nothing\n\n", (None, "", "the policy is empty")),
        ("---\n", (None, "", "the policy is empty")),
        ("- a\n- b\n", (1, "", "the policy is a list, not a map of keys")),
        ("just text\n", (1, "", "the policy is a single value, not a map of keys")),
        ("a: 1\nb: [1, 2\n", (3, "", "not valid YAML")),
        ("a: 1\n\tb: 2\n", (2, "", "not valid YAML")),
        ("a: b: c\n", (1, "", "not valid YAML: mapping values are not allowed here")),
        ('a: "unfinished\n', (2, "", "not valid YAML")),
        ('a: 1\nb: "\\U99999999"\n', (2, "", "not valid YAML")),
        ("a: x\0y\n", (1, "", "the file is not text")),
        ('a: "\\u202e"\n', (1, "a", "the text holds U+202E")),
        ("a: 1\nb:\n - x\u2066y\n", (3, "b[0]", "the text holds U+2066")),
        ("a: 1 # \u202e hidden\n", (1, "", "the text holds U+202E")),
        ('a: "\\a"\n', (1, "a", "the text holds the control character U+0007")),
        ("a: b\x07c\n", (1, "a", "the text holds the control character U+0007")),
        ("a: b\x85c\n", (1, "", "the text holds the control character U+0085")),
        ("a: b\rc: d\n", (1, "", "the text holds the control character U+000D")),
        ("x\u202ey: 1\n", (1, '["x\\u202ey"]', "the text holds U+202E")),
        ('a: "\\ud800"\n', (1, "a", "the text is not UTF-8 here")),
    ],
)
def test_notation_that_would_surprise_is_refused_with_line_and_key(
    text: str, expected: tuple[int | None, str, str]
) -> None:
    """Doubled keys, anchors, aliases, tags and the like are problems at their line and key."""
    line, key, beginning = expected
    found = faults(text)
    matching = [each for each in found if each[2].startswith(beginning)]
    assert matching, found
    assert matching[0][0] == line
    if beginning.startswith("the text holds the control character U+00") and not key:
        return  # a raw line separator splits the text it stands in; its line is what counts
    assert matching[0][1] == key


def test_bytes_that_are_not_utf8_are_reported_under_their_key() -> None:
    """A byte of another encoding is placed by line and key."""
    assert faults(b"a: 1\nb: caf\xe9\n") == [(2, "b", "the text is not UTF-8 here")]


def test_utf16_is_refused_as_not_text() -> None:
    """A file of two bytes a letter is no text."""
    assert faults("a: 1\n".encode("utf-16"))[0][2].startswith("the file is not text")


def test_several_faults_are_found_at_once() -> None:
    """Four faults on four lines are four problems."""
    assert [line for line, _, _ in faults("a: &x 1\nb: *x\na: 2\nc: !t 3\n")] == [1, 2, 3, 4]


def test_a_policy_over_one_mebibyte_is_refused() -> None:
    """One byte too many is one problem, and nothing is read."""
    assert faults(b"#" * (MAX_BYTES + 1)) == [(None, "", "the policy is larger than 1 MiB")]


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "[{a: "])
def test_deep_nesting_is_refused_fast(opening: str) -> None:
    """Twenty thousand brackets are refused for their depth, and neither crash nor take long."""
    begun = time.process_time()
    found = faults(opening * 20_000)
    assert time.process_time() - begun < 2
    assert found[-1][2].startswith("lists and maps are nested more than 20 deep")


def test_twenty_levels_are_read_and_twenty_one_are_not() -> None:
    """The limit of depth is exactly twenty."""
    assert not faults("a: " + "[" * 20 + "]" * 20)
    assert faults("a: " + "[" * 21 + "]" * 21)


def test_an_alias_bomb_is_refused_fast() -> None:
    """Each alias is refused where it stands; none is followed."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    begun = time.process_time()
    found = faults("\n".join(lines))
    assert time.process_time() - begun < 2
    assert sum("alias" in message for _, _, message in found) == 81


@pytest.mark.parametrize("text", ["a: [" + "b," * 400_000 + "]", "#\x07\n" * 300_000])
def test_a_policy_full_of_values_or_of_controls_is_refused_fast(text: str) -> None:
    """Hundreds of thousands of either give a few problems, at once."""
    begun = time.process_time()
    assert 0 < len(faults(text)) <= 21
    assert time.process_time() - begun < 5


def test_a_missing_file_a_folder_and_an_unreadable_file_are_problems_of_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is an input error that says which it is."""
    with pytest.raises(InputError, match="there is no such file"):
        load_policy(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="this is a folder"):
        load_policy(tmp_path)
    (tmp_path / "p.yaml").write_text("a: 1")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        load_policy(tmp_path / "p.yaml")
