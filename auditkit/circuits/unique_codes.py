"""Counts of unique codes, and their label-swap null: exact functions of recorded integers.

The published method (O'Neill and Bui, arXiv:2405.12522) counts, for each head, the distinct codes that
positives show and negatives never do. It has no null: any head with varied codes has a count. Here
positive and negative trade places within pairs, and the codes are counted again for every swap, so a
count stands beside what the same codes give when the labels mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from auditkit.circuits.intervals import rounded
from auditkit.circuits.null import false_discovery_rates, least_examples, sign_patterns, swaps_of
from auditkit.records.base import UNIT
from auditkit.records.reasons import not_assessed
from auditkit.records.task import NullTest
from auditkit.records.unique_codes import (
    CountedHead,
    PairCodes,
    PublishedAutoencoder,
    UniqueCodes,
)

PUBLISHED = PublishedAutoencoder(
    features=200,
    sparsity=Decimal("0.02"),
    learning_rate=Decimal("0.001"),
    epochs=500,
    prompts=10,
)
"""The settings of the paper."""

NOTHING_CAUSAL = not_assessed("nothing_causal")
NO_CIRCUIT = not_assessed("no_circuit_stated")

_AT_LEAST = 1
"""Of all swaps one always counts as many: the observed labels. The mirrored ones may count fewer."""

CodesOfHead = Sequence[int]


def count_heads(
    examples: Sequence[PairCodes], head_ids: Sequence[str], seed: int
) -> tuple[CountedHead, ...]:
    """Every head with its count, score, rank and label-swap test, in layer order."""
    swaps, _ = swaps_of(len(examples))
    signs = sign_patterns(len(examples), seed).astype(np.float32)
    sides = [_of_head(examples, place) for place in range(len(head_ids))]
    counts = [unique_count(positive, negative) for positive, negative in sides]
    by_swap = [swapped_counts(positive, negative, signs) for positive, negative in sides]
    at_least = [int((row >= n).sum()) for row, n in zip(by_swap, counts, strict=True)]
    p_values = [Fraction(n, swaps) for n in at_least]
    q_values = false_discovery_rates(p_values)
    scores = softmax(counts)
    return tuple(
        CountedHead(
            head=head,
            count=counts[i],
            score=scores[i],
            rank=1 + sum(other > counts[i] for other in counts),
            at_least=at_least[i],
            swapped_mean=rounded(Fraction(int(by_swap[i].sum()), swaps)),
            p_value=rounded(p_values[i]),
            q_value=rounded(q_values[i]),
            silent=sum(i in side.silent for e in examples for side in (e.positive, e.negative)),
        )
        for i, head in enumerate(head_ids)
    )


def _of_head(examples: Sequence[PairCodes], place: int) -> tuple[list[int], list[int]]:
    """A head's codes over the examples, on positives and on negatives."""
    return (
        [example.positive.codes[place] for example in examples],
        [example.negative.codes[place] for example in examples],
    )


def unique_count(positive: CodesOfHead, negative: CodesOfHead) -> int:
    """The number of distinct codes of the positives that no negative shows."""
    return len(set(positive) - set(negative))


def swapped_counts(
    positive: CodesOfHead, negative: CodesOfHead, signs: NDArray[np.float32]
) -> NDArray[np.int64]:
    """The count of unique codes under each swap, ``[swaps]``.

    ``signs`` is ``[swaps, n_pairs]``, -1 where positive and negative of a pair trade places. A code is
    unique when every prompt that shows it stands on the positive side: then as many signs agree with it
    as there are such prompts. A code on both prompts of one pair never is. Sums of so few ones are exact
    in floating point.
    """
    codes = np.array(sorted({*positive, *negative}))
    on_positive = np.array(positive)[:, None] == codes
    on_negative = np.array(negative)[:, None] == codes
    shown = on_positive.sum(axis=0) + on_negative.sum(axis=0)
    side = on_positive.astype(np.float32) - on_negative.astype(np.float32)
    return np.asarray((signs @ side == shown).sum(axis=1), dtype=np.int64)


def softmax(counts: Sequence[int]) -> list[Decimal]:
    """The published score: the softmax of the counts over the heads, correctly rounded.

    It grows with the count, so it ranks the heads as the counts do.
    """
    with localcontext(prec=28, rounding=ROUND_HALF_EVEN):
        powers = [Decimal(count - max(counts)).exp() for count in counts]
        return [(power / sum(powers)).quantize(UNIT) for power in powers]


def reported(heads: Sequence[CountedHead]) -> tuple[str, ...]:
    """The heads the published method names: those with a unique code."""
    return tuple(head.head for head in heads if head.count)


def count_null(codes: UniqueCodes, level: Decimal) -> NullTest:
    """What the heads' label-swap tests come to at a false discovery rate."""
    swaps, exact = swaps_of(len(codes.examples))
    return NullTest(
        swaps=swaps,
        exact=exact,
        level=level,
        separated=tuple(head.head for head in codes.heads if head.q_value <= level),
        least_examples=least_examples(len(codes.heads), level, patterns=_AT_LEAST),
    )


def differences(
    codes: UniqueCodes, head_ids: Sequence[str], n_examples: int, seed: int
) -> Iterator[str]:
    """The keys of recorded codes that do not follow from the codes themselves."""
    if codes.autoencoder != PUBLISHED:
        yield "codes.autoencoder"
    if [pair.example for pair in codes.examples] != list(range(n_examples)) or not all(
        _well_formed(pair, len(head_ids)) for pair in codes.examples
    ):
        yield "codes.examples"
        return
    again = count_heads(codes.examples, head_ids, seed)
    if [head.head for head in codes.heads] != list(head_ids):
        yield "codes.heads"
        return
    for head, computed in zip(codes.heads, again, strict=True):
        if head != computed:
            yield f"codes.heads[{head.head}]"
    if codes.reported != reported(again):
        yield "codes.reported"


def _well_formed(pair: PairCodes, n_heads: int) -> bool:
    """Whether both prompts have one code per head, all of features there are, and silence is 0."""
    return all(
        len(side.codes) == n_heads
        and all(code < PUBLISHED.features for code in side.codes)
        and list(side.silent) == sorted(set(side.silent))
        and all(place < n_heads and side.codes[place] == 0 for place in side.silent)
        for side in (pair.positive, pair.negative)
    )
