"""Prompts of different length: which token of the negative stands in the place of which of the positive."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditkit.circuits.roles import roles_of
from auditkit.errors import InputError
from auditkit.prompts.aligning import aligned_ids, uneven_places
from auditkit.prompts.asking import Asking
from auditkit.prompts.files import read_pairs
from auditkit.prompts.pairs import ResolvedPair, resolve
from auditkit.prompts.tokens import Tokenizer
from tests.text_models import LABELS, byte_pairs, wordpiece

ASKING = Asking("classification", LABELS)
WORDS = Tokenizer(wordpiece())
BYTES = Tokenizer(byte_pairs())


def written(folder: Path, positive: object, negative: object) -> Path:
    path = folder / "pairs.jsonl"
    pair = {"positive": positive, "negative": negative, "answer": "shortlist", "wrong": "reject"}
    path.write_text(json.dumps(pair), "utf-8")
    return path


def resolved(
    folder: Path, positive: object, negative: object, tokenizer: Tokenizer = WORDS
) -> ResolvedPair:
    path = written(folder, positive, negative)
    (pair,) = resolve(read_pairs(path), tokenizer, str(path), asking=ASKING)
    return pair


def shown(pair: ResolvedPair, tokenizer: Tokenizer = WORDS) -> list[str]:
    """The negative's tokens in the places of the positive's."""
    backend = tokenizer._backend
    return [str(backend.id_to_token(i)) for i in aligned_ids(pair.negative_ids, pair.alignment)]


def test_a_longer_part_of_the_negative_leaves_its_first_tokens_out(tmp_path: Path) -> None:
    """[CLS] a nurse works [SEP] against [CLS] a nurse and engineer works [SEP]."""
    pair = resolved(tmp_path, ["a ", "nurse", " works"], ["a ", "nurse and engineer", " works"])
    assert shown(pair) == ["[CLS]", "a", "engineer", "works", "[SEP]"]
    assert pair.alignment == (0, 1, 4, 5, 6)
    assert uneven_places(pair.alignment) == (False, False, True, False, False)


def test_a_longer_part_of_the_positive_repeats_the_first_token(tmp_path: Path) -> None:
    """The negative is stretched to the positive's length, and positions keep their roles."""
    pair = resolved(
        tmp_path, ["a ", "nurse and engineer", " works"], ["a ", "she welder", " works"]
    )
    assert shown(pair) == ["[CLS]", "a", "she", "she", "welder", "works", "[SEP]"]
    assert roles_of(pair.positive_ids, pair.negative_ids, (0, "first"), pair.alignment) == (
        "first",
        "before any difference",
        *["first difference"] * 3,
        "after a difference",
        "elsewhere",
    )


def test_a_left_over_token_is_a_difference_even_where_the_others_agree(tmp_path: Path) -> None:
    """engineer against nurse engineer: the tokens laid out agree, and the prompts do not."""
    pair = resolved(tmp_path, ["a ", "engineer", " works"], ["a ", "nurse engineer", " works"])
    assert aligned_ids(pair.negative_ids, pair.alignment) == pair.positive_ids
    assert "first difference" in roles_of(
        pair.positive_ids, pair.negative_ids, (0, "first"), pair.alignment
    )


def test_parts_of_one_length_are_aligned_as_prompts_of_one_length_are(tmp_path: Path) -> None:
    """Parts that are as long as each other are run as the whole texts are."""
    in_parts = resolved(tmp_path, ["a ", "nurse", " works"], ["a ", "welder", " works"])
    whole = resolved(tmp_path, "a nurse works", "a welder works")
    assert in_parts.alignment == whole.alignment == ()
    assert (in_parts.positive_ids, in_parts.negative_ids) == (
        whole.positive_ids,
        whole.negative_ids,
    )


def test_both_texts_of_a_pair_may_be_in_parts(tmp_path: Path) -> None:
    """The second text of a pair is aligned in its own parts."""
    pair = resolved(
        tmp_path,
        {"first": "a nurse works", "second": ["she ", "cares"]},
        {"first": "a nurse works", "second": ["he reads and ", "writes"]},
    )
    assert shown(pair) == ["[CLS]", "a", "nurse", "works", "[SEP]", "and", "writes", "[SEP]"]


def test_a_space_belongs_to_the_token_behind_it(tmp_path: Path) -> None:
    """Byte-level tokens begin with their space, which may stand at the end of the part before."""
    pair = resolved(
        tmp_path, ["the ", "nurse", " works"], ["the ", "welder and nurse", " works"], BYTES
    )
    ours = [str(BYTES._backend.id_to_token(i)) for i in pair.positive_ids]
    theirs = shown(pair, BYTES)
    assert (ours[0], ours[-1]) == (theirs[0], theirs[-1]) == ("<s>", "</s>")
    assert ours[-2] == theirs[-2] == "Ġworks"


@pytest.mark.parametrize(
    ("positive", "negative", "message"),
    [
        ("a nurse works", "a nurse and welder works", "has 5 tokens and the negative 7"),
        (["a nur", "se works"], ["a wel", "der works"], "lies across parts 1 and 2"),
        (["a ", "nurse"], ["a ", " ", "welder"], "2 parts and the negative 3"),
        (["a ", "nurse"], "a welder", "2 parts and the negative 1"),
        (["a nurse", " ", " works"], ["a welder", " and ", " works"], "has no token of its own"),
        (["a ", ""], ["a ", "welder"], "is empty or is not a text"),
        ({"first": "a nurse"}, {"first": "a welder"}, "keys first and second"),
        ({"first": "a", "second": "nurse"}, "a welder", "one prompt has two texts"),
        (["a ", "nurse"], ["a", " nurse"], "the same"),
    ],
)
def test_what_cannot_be_aligned_is_refused(
    positive: object, negative: object, message: str, tmp_path: Path
) -> None:
    """Uneven texts without parts, a token across parts and unlike numbers of parts are refused."""
    with pytest.raises(InputError, match=message):
        resolved(tmp_path, positive, negative)
