"""From a task's prompt source to its two sets of token ids, and what the record says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditkit.errors import InputError, Problem
from auditkit.prompts.asking import NEXT_TOKEN, Asking
from auditkit.prompts.files import read_pairs_file
from auditkit.prompts.generators import GeneratorUnsuitable, generate
from auditkit.prompts.pairs import ResolvedPair, Wanted, digest_of, resolve, split_as_wanted
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.base import NotAssessed
from auditkit.records.prompts import PromptPair
from auditkit.records.reasons import not_assessed
from auditkit.records.task import Examples, PromptSet

WITHHELD = not_assessed("prompts_withheld")
"""Why no pair of a prompt file is shown in a report."""

ONE_LOOK = not_assessed("one_look")
"""Why there are no further pairs."""


@dataclass(frozen=True)
class PreparedPrompts:
    """The sets of pairs of one task, and the record of them.

    ``further`` pairs follow those of ``discovery``, in a fixed order. ``origin`` is ``generator:<name>`` or
    ``file:<file name>``.
    """

    origin: str
    discovery: tuple[ResolvedPair, ...]
    further: tuple[ResolvedPair, ...]
    test: tuple[ResolvedPair, ...]
    examples: Examples

    @property
    def longest(self) -> int:
        """How many tokens the longest text has that the model is given."""
        return max(
            len(ids)
            for each in (*self.discovery, *self.further, *self.test)
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
    wanted: Wanted,
    seed: int,
    tokenizer: Tokenizer,
    where: str,
    asking: Asking = NEXT_TOKEN,
) -> PreparedPrompts:
    """The prompts of a task, from a generator or from a file: exactly one of the two is given.

    A generator makes prompts of next-token tasks, whatever is asked.

    ``where`` names the policy in a generator's problem; a file's problems name the file. A generator makes as
    many test pairs as are wanted.

    Raises:
        InputError: every problem of the file or of its pairs, or why the generator cannot be used.
        ValueError: both or neither of ``generator`` and ``file`` are given.
    """
    if generator is not None and file is None:
        return _from_generator(generator, wanted, seed, tokenizer, where)
    if file is not None and generator is None:
        return _from_file(file, wanted, seed, tokenizer, asking)
    raise ValueError("give either a generator or a file")


def _from_generator(
    name: str, wanted: Wanted, seed: int, tokenizer: Tokenizer, where: str
) -> PreparedPrompts:
    try:
        fewest = wanted.first if wanted.fewer else wanted.most
        found = generate(name, tokenizer, wanted.most, seed, "discovery", fewest)
        test = generate(name, tokenizer, wanted.test, seed, "test")
    except GeneratorUnsuitable as error:
        message = f"the generator {name!r} does not fit this model's tokenizer: {error}"
        advice = "choose another generator, or give a file of pairs"
        raise InputError([Problem(where, None, "prompts.generator", message, advice)]) from error
    source = f"generator {name}"
    return _prepared(
        f"generator:{name}",
        resolve(found, tokenizer, source),
        resolve(test, tokenizer, source),
        wanted.first,
        found[0],
    )


def _from_file(
    path: Path,
    wanted: Wanted,
    seed: int,
    tokenizer: Tokenizer,
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
        chosen, test = split_as_wanted(read.pairs, wanted, seed, where)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from error
    if problems:
        raise InputError(problems)
    return _prepared(
        f"file:{path.name}",
        tuple(resolved[pair] for pair in chosen),
        tuple(resolved[pair] for pair in test),
        wanted.first,
        WITHHELD,
    )


def _prepared(
    origin: str,
    found: tuple[ResolvedPair, ...],
    test: tuple[ResolvedPair, ...],
    n_first: int,
    shown: PromptPair | NotAssessed,
) -> PreparedPrompts:
    discovery, further = found[:n_first], found[n_first:]
    examples = Examples(
        origin=origin,
        templates=tuple(each.pair.template for each in found),
        discovery=_set_of(discovery),
        further=_set_of(further) if further else ONE_LOOK,
        test=_set_of(test),
        shown=shown,
    )
    return PreparedPrompts(origin, discovery, further, test, examples)


def _set_of(pairs: tuple[ResolvedPair, ...]) -> PromptSet:
    return PromptSet(
        sha256=digest_of([each.pair for each in pairs]),
        n=len(pairs),
        repeated=len(pairs) - len({(each.positive_ids, each.positive_types) for each in pairs}),
        uneven=sum(bool(each.alignment) for each in pairs),
    )
