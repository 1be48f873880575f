"""Pairs under a tokenizer: aligned, answered by one token, split into sets that share no text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import InputError, Problem
from auditkit.prompts.pairs import Wanted, digest_of, resolve, split, split_as_wanted
from auditkit.prompts.sets import prepare
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.base import NotAssessed
from auditkit.records.prompts import PromptPair
from tests.conftest import STORIES

WORDS = ["?", "the", "cat", "dog", "sat", "ran", "Mat", "Rug"]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    """One token per word; ids follow ``WORDS``."""
    backend = Backend(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="?"))  # noqa: S106
    backend.pre_tokenizer = WhitespaceSplit()
    return Tokenizer(backend)


@pytest.fixture(scope="module")
def stories() -> Tokenizer:
    if not STORIES.is_dir():
        pytest.skip("the stories260K model is not beside this checkout")
    return Tokenizer.from_folder(STORIES)


def pair(
    positive: str = "the cat",
    negative: str = "the dog",
    answers: tuple[str, ...] = (" sat",),
    wrong: tuple[str, ...] = (" ran",),
) -> PromptPair:
    return PromptPair(positive=positive, negative=negative, answers=answers, wrong=wrong)


def many(n: int) -> list[PromptPair]:
    return [pair(f"p{index}", f"n{index}") for index in range(n)]


def problems(pairs: list[PromptPair], tokenizer: Tokenizer) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as raised:
        resolve(pairs, tokenizer, "pairs.jsonl", lines=range(10, 10 + len(pairs)))
    return raised.value.problems


def test_a_pair_is_resolved_to_the_ids_of_its_words(words: Tokenizer) -> None:
    """Prompts and answers become the tokenizer's ids, and the pair stays as given."""
    given = pair(answers=(" sat", " Mat"))
    (resolved,) = resolve([given], words, "here")
    assert resolved.pair == given
    assert (resolved.positive_ids, resolved.negative_ids) == ((1, 2), (1, 3))
    assert (resolved.answer_ids, resolved.wrong_ids) == ((4, 6), (5,))


def test_unequal_lengths_show_both_counts_and_where_the_texts_part(words: Tokenizer) -> None:
    """The problem has file, line and key, and shows the tokens of both."""
    (problem,) = problems([pair(negative="the sat dog")], words)
    assert (problem.file, problem.line, problem.key) == ("pairs.jsonl", 10, "pairs[0].negative")
    assert "2 tokens and the negative 3; they part at token 2" in problem.message
    assert "['the' 'cat'] against ['the' 'sat' 'dog']" in problem.message


def test_a_negative_that_only_adds_words_parts_at_the_end(words: Tokenizer) -> None:
    """Where one prompt begins the other, they part after its last token."""
    (problem,) = problems([pair(negative="the cat sat")], words)
    assert "they part at token 3" in problem.message


def test_an_answer_of_several_tokens_shows_them(words: Tokenizer) -> None:
    """An answer must be one token, and the problem shows those it is."""
    (problem,) = problems([pair(answers=(" sat ran",), wrong=(" Mat",))], words)
    assert problem.key == "pairs[0].answer"
    assert "'sat' 'ran'" in problem.message


def test_an_answer_the_tokenizer_does_not_know_is_refused(words: Tokenizer) -> None:
    """An answer that becomes the unknown token is refused."""
    (problem,) = problems([pair(wrong=(" zebra",))], words)
    assert problem.key == "pairs[0].wrong"
    assert "it adds '?'" in problem.message


def test_an_answer_that_is_also_wrong_is_refused(words: Tokenizer) -> None:
    """A right and a wrong answer that are one token are named together."""
    (problem,) = problems([pair(answers=(" sat",), wrong=(" ran", "  sat"))], words)
    assert problem.message == "answer ' sat' and wrong answer '  sat' are the same token"


def test_two_answers_that_are_one_token_are_refused(words: Tokenizer) -> None:
    """Two spellings of one token are not two answers."""
    (problem,) = problems([pair(answers=(" sat", "  sat"))], words)
    assert problem.message == "'  sat' is the same token as ' sat'"


def test_prompts_that_are_the_same_tokens_are_refused(words: Tokenizer) -> None:
    """Two spellings of the same tokens are no pair."""
    (problem,) = problems([pair(negative="the  cat")], words)
    assert "the same tokens" in problem.message


def test_other_words_that_are_the_same_tokens_are_refused(words: Tokenizer) -> None:
    """Words the tokenizer does not know are all one token, so the prompts are one prompt."""
    (problem,) = problems([pair("the zebra"), pair("the okapi")], words)
    assert (problem.line, problem.key) == (11, "pairs[1].positive")
    assert "the same tokens as a prompt of line 10, written differently" in problem.message


def test_a_positive_that_is_the_same_tokens_as_a_negative_is_refused(words: Tokenizer) -> None:
    """A prompt may come back in the other role, but not in another spelling."""
    mirrored = pair("the dog", "the cat")
    assert len(resolve([pair(), mirrored], words, "here")) == 2
    (problem,) = problems([pair(), pair("the  dog", "the sat")], words)
    assert problem.key == "pairs[1].positive"


def test_all_pairs_are_judged_and_each_problem_has_its_line(words: Tokenizer) -> None:
    """A fault in one pair hides none in another."""
    faulty = [pair(negative="dog"), pair(), pair(answers=(" sat ran",), wrong=(" sat sat",))]
    found = problems(faulty, words)
    assert [(each.line, each.key) for each in found] == [
        (10, "pairs[0].negative"),
        (12, "pairs[2].answer"),
        (12, "pairs[2].wrong"),
    ]


def test_a_real_tokenizer_shows_the_pieces_of_an_answer(stories: Tokenizer) -> None:
    """An answer that stories260K spells in pieces is refused, and one it knows is taken."""
    prompt = "Once upon a time there was a little girl."
    given = pair(prompt, prompt.replace("girl", "boy"), (" Elizabeth",), (" He",))
    (problem,) = problems([given], stories)
    assert problem.key == "pairs[0].answer"
    assert problem.message.count("'") > 4
    assert (
        len(resolve([pair(given.positive, given.negative, (" She",), (" He",))], stories, "")) == 1
    )


def test_the_digest_is_that_of_the_canonical_json() -> None:
    """The digest is over the pairs in their order, and nothing else."""
    pairs = [pair(), pair(negative="the ran")]
    keys = {"positive", "negative", "answers", "wrong", "template"}
    expected = sha256_hex(
        canonical_json([each.model_dump(mode="json", include=keys) for each in pairs])
    )
    assert digest_of(pairs) == f"sha256:{expected}"
    assert digest_of(pairs) != digest_of(pairs[::-1])


def test_a_split_has_the_sizes_asked_for_and_depends_on_the_seed() -> None:
    """One seed gives one split, another seed another."""
    discovery, test = split(many(60), 10, 40, seed=0)
    assert (len(discovery), len(test)) == (10, 40)
    assert split(many(60), 10, 40, seed=0) == (discovery, test)
    assert split(many(60), 10, 40, seed=1) != (discovery, test)


def test_a_split_does_not_depend_on_the_order_of_the_file() -> None:
    """Pairs in another order give the same two sets."""
    assert split(many(30)[::-1], 10, 20, seed=3) == split(many(30), 10, 20, seed=3)


def test_a_pair_and_its_mirror_are_on_one_side() -> None:
    """A pair turned round shares its texts, so it is never in the other set."""
    both = [each for one in many(10) for each in (one, pair(one.negative, one.positive))]
    discovery, test = split(both, 10, 10, seed=0)
    texts = [
        {text for each in side for text in (each.positive, each.negative)}
        for side in (discovery, test)
    ]
    assert not texts[0] & texts[1]


def test_groups_are_chosen_so_that_both_sets_are_filled() -> None:
    """Pairs that share a prompt stay together, and both sets have their size under every seed."""
    pairs = [pair("a1", "a"), pair("a2", "a"), *(pair(f"b{n}", "b") for n in range(3))]
    pairs += [pair(f"c{n}", "c") for n in range(3)]
    for seed in range(20):
        discovery, test = split(pairs, 3, 5, seed)
        assert (len(discovery), len(test)) == (3, 5)


def test_too_few_pairs_says_how_many_it_takes() -> None:
    """The problem has the number needed and the number there, and the advice the difference."""
    with pytest.raises(InputError) as raised:
        split(many(12), 10, 40, 0, where="pairs.jsonl")
    (problem,) = raised.value.problems
    assert problem.file == "pairs.jsonl"
    assert "50 pairs are needed, and there are 12" in problem.message
    assert problem.advice.startswith("add 38 pairs")


def test_pairs_that_all_share_a_prompt_cannot_be_split() -> None:
    """One group of all pairs gives no two sets, and the refusal says so."""
    with pytest.raises(InputError, match="form 1 groups, the largest of 60"):
        split([pair(f"p{n}", "the same") for n in range(60)], 10, 40, 0)


def test_a_smaller_test_set_is_taken_only_when_allowed() -> None:
    """Fewer test pairs than asked for are taken down to the fewest allowed, and no further."""
    discovery, test = split(many(17), 10, 40, 0, fewest_test=5)
    assert (len(discovery), len(test)) == (10, 7)
    with pytest.raises(InputError, match="15 pairs are needed, and there are 14"):
        split(many(14), 10, 40, 0, fewest_test=5)


@pytest.mark.parametrize(
    ("n", "first", "further", "test"),
    [
        (29, 24, 0, 5),  # the fewest: every pair beyond the first is needed to test
        (60, 24, 24, 12),  # a third of what is beyond the first
        (90, 24, 44, 22),
        (300, 24, 168, 40),  # as many as are wanted of each, and some are left
    ],
)
def test_pairs_beyond_the_first_go_to_further_looks_and_to_the_test(
    n: int, first: int, further: int, test: int
) -> None:
    """A third of them tests, up to the number wanted, and the others settle what the first leave open."""
    wanted = Wanted(first=first, most=192, test=40, fewer=True, fewest_test=5)
    chosen, held_out = split_as_wanted(many(n), wanted, 0)
    assert (len(chosen), len(held_out)) == (first + further, test)
    assert not set(chosen) & set(held_out)
    assert split_as_wanted(many(n), wanted, 0) == (chosen, held_out)


def test_a_written_number_of_pairs_is_kept_or_refused() -> None:
    """A file that lacks the maximum, or the test pairs, that a policy writes is refused."""
    with pytest.raises(InputError, match="192 to find the circuit"):
        split_as_wanted(many(100), Wanted(first=24, most=192, test=10), 0)
    chosen, test = split_as_wanted(many(100), Wanted(first=24, most=48, test=10), 0)
    assert (len(chosen), len(test)) == (48, 10)
    chosen, test = split_as_wanted(many(100), Wanted(first=24, most=192, test=40, fewer=True), 0)
    assert (len(chosen), len(test)) == (60, 40)


def test_pairs_that_share_a_prompt_leave_fewer_further_pairs() -> None:
    """Six groups of ten cannot be divided as wanted; what can be is, and no prompt is on both sides."""
    grouped = [pair(f"p{n}", f"shared {n % 6}") for n in range(60)]
    wanted = Wanted(first=24, most=192, test=40, fewer=True, fewest_test=5)
    chosen, test = split_as_wanted(grouped, wanted, 0)
    assert len(chosen) >= 24
    assert len(test) >= 5
    assert not {each.negative for each in chosen} & {each.negative for each in test}


def test_a_file_is_prepared_and_its_prompts_are_withheld(
    stories: Tokenizer, tmp_path: Path
) -> None:
    """The record has digests and numbers of the pairs, and neither their texts nor their folder."""
    raw = json.loads((STORIES / "gender_pronoun_prompts.json").read_text(encoding="utf-8"))
    entries = [
        {
            "positive": each["clean"],
            "negative": each["corrupt"],
            "answer": each["answer"].replace("\u2581", " "),
            "wrong": each["wrong"].replace("\u2581", " "),
        }
        for each in raw
    ]
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    prepared = prepare(
        generator=None,
        file=path,
        wanted=Wanted(first=10, most=10, test=40),
        seed=0,
        tokenizer=stories,
        where="policy.yaml",
    )
    assert prepared.origin == prepared.examples.origin == "file:pairs.json"
    assert isinstance(prepared.examples.shown, NotAssessed)
    assert prepared.examples.test.n == len(prepared.test) == 40
    assert prepared.examples.discovery.sha256 == digest_of([e.pair for e in prepared.discovery])
    assert str(tmp_path) not in prepared.examples.model_dump_json()


def test_a_generator_is_prepared_and_its_first_pair_is_shown(stories: Tokenizer) -> None:
    """Generated pairs are no secret: the record shows the first."""
    prepared = prepare(
        generator="gendered_pronoun",
        file=None,
        wanted=Wanted(first=5, most=5, test=6),
        seed=1,
        tokenizer=stories,
        where="policy.yaml",
    )
    assert prepared.origin == "generator:gendered_pronoun"
    assert prepared.examples.shown == prepared.discovery[0].pair
    assert (len(prepared.discovery), len(prepared.test)) == (5, 6)


def test_a_generator_that_does_not_fit_is_a_problem_of_the_policy(words: Tokenizer) -> None:
    """The problem stands at the policy's key, and says that the tokenizer does not fit."""
    with pytest.raises(InputError) as raised:
        prepare(
            generator="ioi",
            file=None,
            wanted=Wanted(first=5, most=5, test=5),
            seed=0,
            tokenizer=words,
            where="policy.yaml",
        )
    (problem,) = raised.value.problems
    assert (problem.file, problem.key) == ("policy.yaml", "prompts.generator")
    assert "does not fit this model's tokenizer" in problem.message


def test_faulty_pairs_and_too_few_of_them_are_reported_together(
    words: Tokenizer, tmp_path: Path
) -> None:
    """A file with both faults is told of both."""
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        '{"positive": "the cat", "negative": "dog", "answer": " sat", "wrong": " ran"}\n'
    )
    with pytest.raises(InputError) as raised:
        prepare(
            generator=None,
            file=path,
            wanted=Wanted(first=5, most=5, test=5),
            seed=0,
            tokenizer=words,
            where="policy.yaml",
        )
    assert [each.line for each in raised.value.problems] == [1, None]


def test_exactly_one_source_of_prompts_is_needed(words: Tokenizer) -> None:
    """Neither source and both sources are refused."""
    for generator, file in ((None, None), ("ioi", Path("x.json"))):
        with pytest.raises(ValueError, match="either a generator or a file"):
            prepare(
                generator=generator,
                file=file,
                wanted=Wanted(first=5, most=5, test=5),
                seed=0,
                tokenizer=words,
                where="policy.yaml",
            )
