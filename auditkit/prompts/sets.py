"""From a task's prompt source to its two sets of token ids, and what the record says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditkit.errors import InputError, Problem
from auditkit.prompts.asking import NEXT_TOKEN, Asking
from auditkit.prompts.files import read_pairs_file
from auditkit.prompts.generators import GeneratorUnsuitable, generate
from auditkit.prompts.pairs import ResolvedPair, digest_of, resolve, split
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.base import NotAssessed
from auditkit.records.prompts import PromptPair
from auditkit.records.reasons import not_assessed
from auditkit.records.task import Examples, PromptSet

WITHHELD = not_assessed("prompts_withheld")
"""Why no pair of a prompt file is shown in a report."""


@dataclass(frozen=True)
class PreparedPrompts:
    """The discovery and the test set of one task, and the record of them.

    ``origin`` is ``generator:<name>`` or ``file:<file name>``.
    """

    origin: str
    discovery: tuple[ResolvedPair, ...]
    test: tuple[ResolvedPair, ...]
    examples: Examples

    @property
    def longest(self) -> int:
        """How many tokens the longest text has that the model is given."""
        return max(
            len(ids)
            for each in (*self.discovery, *self.test)
            for ids in (
                each.positive_ids,
                each.negative_ids,
                *(text.ids for text in (*each.answer_texts, *each.wrong_texts)),
            )
        )


def prepare(
    *,
    generator: str | None,
    file: Path | None,
    n_examples: int,
    n_test: int,
    seed: int,
    tokenizer: Tokenizer,
    where: str,
    fewest_test: int | None = None,
    asking: Asking = NEXT_TOKEN,
) -> PreparedPrompts:
    """The prompts of a task, from a generator or from a file: exactly one of the two is given.

    A generator makes prompts of next-token tasks, whatever is asked.

    ``where`` names the policy in a generator's problem; a file's problems name the file. With
    ``fewest_test`` a file may give a smaller test set than ``n_test``, down to that number.

    Raises:
        InputError: every problem of the file or of its pairs, or why the generator cannot be used.
        ValueError: both or neither of ``generator`` and ``file`` are given.
    """
    if generator is not None and file is None:
        return _from_generator(generator, n_examples, n_test, seed, tokenizer, where)
    if file is not None and generator is None:
        return _from_file(file, n_examples, n_test, seed, tokenizer, fewest_test, asking)
    raise ValueError("give either a generator or a file")


def _from_generator(
    name: str, n_examples: int, n_test: int, seed: int, tokenizer: Tokenizer, where: str
) -> PreparedPrompts:
    try:
        discovery = generate(name, tokenizer, n_examples, seed, "discovery")
        test = generate(name, tokenizer, n_test, seed, "test")
    except GeneratorUnsuitable as error:
        message = f"the generator {name!r} does not fit this model's tokenizer: {error}"
        advice = "choose another generator, or give a file of pairs"
        raise InputError([Problem(where, None, "prompts.generator", message, advice)]) from error
    source = f"generator {name}"
    return _prepared(
        f"generator:{name}",
        resolve(discovery, tokenizer, source),
        resolve(test, tokenizer, source),
        discovery[0],
    )


def _from_file(
    path: Path,
    n_examples: int,
    n_test: int,
    seed: int,
    tokenizer: Tokenizer,
    fewest_test: int | None,
    asking: Asking,
) -> PreparedPrompts:
    read, where = read_pairs_file(path), str(path)
    problems: list[Problem] = []
    resolved: dict[PromptPair, ResolvedPair] = {}
    try:
        found = resolve(read.pairs, tokenizer, where, read.lines, asking)
        resolved = {each.pair: each for each in found}
    except InputError as error:
        problems += error.problems
    try:
        discovery, test = split(
            read.pairs, n_examples, n_test, seed, fewest_test=fewest_test, where=where
        )
    except InputError as error:
        raise InputError([*problems, *error.problems]) from error
    if problems:
        raise InputError(problems)
    return _prepared(
        f"file:{path.name}",
        tuple(resolved[pair] for pair in discovery),
        tuple(resolved[pair] for pair in test),
        WITHHELD,
    )


def _prepared(
    origin: str,
    discovery: tuple[ResolvedPair, ...],
    test: tuple[ResolvedPair, ...],
    shown: PromptPair | NotAssessed,
) -> PreparedPrompts:
    templates = tuple(each.pair.template for each in discovery)
    examples = Examples(
        origin=origin,
        templates=templates,
        discovery=_set_of(discovery),
        test=_set_of(test),
        shown=shown,
    )
    return PreparedPrompts(origin, discovery, test, examples)


def _set_of(pairs: tuple[ResolvedPair, ...]) -> PromptSet:
    return PromptSet(
        sha256=digest_of([each.pair for each in pairs]),
        n=len(pairs),
        repeated=len(pairs) - len({(each.positive_ids, each.positive_types) for each in pairs}),
        uneven=sum(bool(each.alignment) for each in pairs),
    )
