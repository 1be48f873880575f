"""A prompt file is read whole or refused whole, with the line of every problem."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditkit.errors import InputError, Problem
from auditkit.prompts.files import MAX_BYTES, read_pairs, read_pairs_file
from auditkit.records.prompts import PromptPair

FIRST = {"positive": "a b", "negative": "a c", "answer": " b", "wrong": [" c", " d"]}
SECOND = {"positive": "e f", "negative": "e g", "answer": " f", "wrong": " g"}
PAIRS = (
    PromptPair(positive="a b", negative="a c", answers=(" b",), wrong=(" c", " d")),
    PromptPair(positive="e f", negative="e g", answers=(" f",), wrong=(" g",)),
)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as raised:
        read_pairs(path)
    assert {each.file for each in raised.value.problems} == {str(path)}
    return raised.value.problems


def lines(*entries: object) -> str:
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in entries)


def test_the_three_forms_of_a_file_give_the_same_pairs(tmp_path: Path) -> None:
    """JSON lines, a JSON list and CSV, as Excel writes it too, are read alike."""
    csv = "positive,negative,answer,wrong\na b,a c, b, c| d\ne f,e g, f, g\n"
    files = (
        written(tmp_path, "p.jsonl", lines(FIRST, "", SECOND) + "\n"),
        written(tmp_path, "p.json", json.dumps([FIRST, SECOND], indent=1)),
        written(tmp_path, "p.CSV", csv),
        written(tmp_path, "excel.csv", "\ufeff" + csv.replace("\n", "\r\n")),
    )
    assert [read_pairs(path) for path in files] == [PAIRS] * 4


def test_each_pair_knows_the_line_it_starts_on(tmp_path: Path) -> None:
    """In every form of file, blank lines and line breaks inside texts counted."""
    csv = 'negative,positive,wrong,answer\n"a\nc","a\nb",c,b\ne g,e f,g,f\n'
    assert read_pairs_file(written(tmp_path, "p.csv", csv)).lines == (2, 5)
    jsonl = lines("", FIRST, "", "", SECOND)
    assert read_pairs_file(written(tmp_path, "p.jsonl", jsonl)).lines == (2, 5)
    listed = "[\n" + json.dumps(FIRST, indent=1) + ",\n" + json.dumps(SECOND) + "\n]\n"
    assert read_pairs_file(written(tmp_path, "p.json", listed)).lines == (2, 11)


def test_a_text_keeps_every_space_and_line_break(tmp_path: Path) -> None:
    """Nothing is trimmed from a prompt."""
    entry = {**FIRST, "positive": " a\n\tb ", "negative": " a\n\tc "}
    (pair,) = read_pairs(written(tmp_path, "p.jsonl", lines(entry)))
    assert (pair.positive, pair.negative) == (" a\n\tb ", " a\n\tc ")


@pytest.mark.parametrize(
    ("entry", "key", "message"),
    [
        ({**FIRST, "negative": ""}, "negative", "there is no negative prompt"),
        ({**FIRST, "negative": None}, "negative", "there is no negative prompt"),
        (
            {key: value for key, value in FIRST.items() if key != "negative"},
            "negative",
            "there is no negative prompt",
        ),
        ({**FIRST, "negative": "a b"}, "negative", "the negative prompt is the positive prompt"),
        ({**FIRST, "positive": ""}, "positive", "not empty"),
        ({**FIRST, "positive": 3}, "positive", "must be a text"),
        ({**FIRST, "answer": []}, "answer", "the list of answers is empty"),
        ({**FIRST, "answer": ["x", ""]}, "answer", "not empty"),
        ({**FIRST, "answer": ["x", "x"]}, "answer", "written twice"),
        ({**FIRST, "answer": {"a": 1}}, "answer", "must be a text"),
        ({**FIRST, "answers": " b"}, "answers", "not a key of a prompt pair"),
        ({"positive": "a", "negative": "b", "answer": "c"}, "wrong", "this key is missing"),
        (
            '{"positive": "\\ud800", "negative": "b", "answer": "c", "wrong": "d"}',
            "positive",
            "half",
        ),
        ("[1, 2]", "", "not an object"),
        ("{", "", "not valid JSON"),
        ('{"positive": "a", "positive": "b"}', "", "'positive' is written twice"),
        ("[" * 100_000, "", "nested too deeply"),
        (FIRST, "", "the pair of line 1 again"),
        ({**FIRST, "answer": " z"}, "", "the pair of line 1 again"),
    ],
)
def test_a_faulty_pair_is_reported_with_its_line(
    tmp_path: Path, entry: object, key: str, message: str
) -> None:
    """One faulty pair among sound ones is one problem at its line and key."""
    (problem,) = problems(written(tmp_path, "p.jsonl", lines(FIRST, "", entry, SECOND)))
    assert (problem.line, problem.key) == (3, key)
    assert message in problem.message


def test_all_faulty_pairs_are_reported_at_once(tmp_path: Path) -> None:
    """Every fault of every line is told."""
    content = lines({**FIRST, "negative": ""}, "{", {**FIRST, "wrong": 1, "answer": 2})
    found = problems(written(tmp_path, "p.jsonl", content))
    assert sorted((each.line or 0, each.key) for each in found) == [
        (1, "negative"),
        (2, ""),
        (3, "answer"),
        (3, "wrong"),
    ]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("{}", 1, "not a JSON list"),
        ("[]", None, "the file has no prompt pairs"),
        ("[\n{},\n]", 3, "not valid JSON"),
        ("[\n1 2]", 2, "not valid JSON"),
        ('[\n{"a": 1\n', 3, "not valid JSON"),
        ("[\n\n", 3, "not valid JSON"),
        ("[3] 4", None, "text after the closing bracket"),
    ],
)
def test_a_file_that_is_not_a_json_list_is_refused(
    tmp_path: Path, content: str, line: int | None, message: str
) -> None:
    """What is no list, or no JSON, is placed by its line."""
    found = problems(written(tmp_path, "p.json", content))
    assert any(each.line == line and message in each.message for each in found), found


def test_the_line_of_a_fault_inside_a_json_list_is_that_of_its_pair(tmp_path: Path) -> None:
    """A fault of the second pair has the line that pair begins on."""
    content = "[\n" + json.dumps(FIRST) + ",\n\n" + json.dumps({**SECOND, "negative": ""}) + "]"
    (problem,) = problems(written(tmp_path, "p.json", content))
    assert problem.line == 4


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("positive,answer,wrong\na,b,c\n", 1, "there are no negative prompts"),
        ("pos,neg,answer,wrong\na,b,c,d\n", 1, "the header is pos,neg,answer,wrong"),
        ("positive,negative,answer,wrong\na,b,c\n", 2, "3 cells; the header has 4"),
        ("positive,negative,answer,wrong\na,,c,d\n", 2, "there is no negative prompt"),
        ("positive,negative,answer,wrong\na,b,c|,d\n", 2, "not empty"),
        ('positive,negative,answer,wrong\n"a,b,c,d\n', 2, "not valid CSV"),
        ("positive,negative,answer,wrong\n", None, "the file has no prompt pairs"),
        ("", None, "the file has no prompt pairs"),
    ],
)
def test_a_faulty_csv_file_is_refused(
    tmp_path: Path, content: str, line: int | None, message: str
) -> None:
    """A wrong header or row is placed by its line."""
    found = problems(written(tmp_path, "p.csv", content))
    assert any(each.line == line and message in each.message for each in found), found


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, a folder, of no known kind, too large or not UTF-8: each is said."""
    (tmp_path / "folder.json").mkdir()
    assert "no such file" in problems(tmp_path / "none.json")[0].message
    assert "a folder" in problems(tmp_path / "folder.json")[0].message
    assert "not a kind" in problems(written(tmp_path, "p.txt", ""))[0].message
    large = written(tmp_path, "large.jsonl", b"\n" * (MAX_BYTES + 1))
    assert "larger than 20 MiB" in problems(large)[0].message
    latin = written(tmp_path, "latin.jsonl", lines(FIRST).encode() + b"\ncaf\xe9")
    assert (problems(latin)[0].line, problems(latin)[0].message) == (2, "the text is not UTF-8")
