"""Codes, signature, ranking, circuit and edges against naive oracles."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.circuits.circuit import belongs, circuit_by_codes, layer_order
from auditkit.circuits.codes import (
    CodeSpace,
    discretise,
    quorum_count,
    ranking,
    recorded_effects,
    screened_heads,
    signature,
)
from auditkit.records.base import NotAssessed
from auditkit.records.causal import PatchedHead
from auditkit.records.task import Codes, ExampleCodes
from tests.builders import codes, model_identity, patched, specification

UNSEEN = NotAssessed(code="left_out", reason="left out of this test")
SPACE = CodeSpace(("0.0", "0.1", "1.0"), latents=2)
SETS = st.lists(st.frozensets(st.integers(0, 11)), min_size=1, max_size=8)


def as_examples(sets: list[frozenset[int]]) -> tuple[ExampleCodes, ...]:
    return tuple(
        ExampleCodes(example=i, codes=tuple(sorted(codes))) for i, codes in enumerate(sets)
    )


def test_the_numbering_of_codes() -> None:
    """A head owns silence, its latents, and itself as a whole, one after the other."""
    assert SPACE.stride == 4
    assert [SPACE.head_of(code) for code in range(12)] == ["0.0"] * 4 + ["0.1"] * 4 + ["1.0"] * 4
    assert [code for code in range(12) if SPACE.is_silence(code)] == [0, 4, 8]
    assert SPACE.whole_head("0.1") == 7


def test_effects_become_codes_only_above_tau() -> None:
    """A latent at exactly tau is silent; sign does not matter; silence has its own code."""
    latent = np.array([[[0.02, -0.5], [0.0, 0.0], [0.0, 0.0]]])
    whole = recorded_effects(np.array([[0.0, 0.021, 0.02]]))
    (example,) = discretise(latent, whole, Decimal("0.02"))
    assert example.codes == (2, 7, 8)


@given(SETS, st.integers(1, 8))
def test_the_signature_is_what_enough_examples_share(
    sets: list[frozenset[int]], count: int
) -> None:
    """Counting each code over the examples, one by one, gives the same signature."""
    slow = tuple(
        code
        for code in range(12)
        if code not in {0, 4, 8} and sum(code in example for example in sets) >= count
    )
    assert signature(as_examples(sets), count, SPACE) == slow


@given(SETS, st.randoms(use_true_random=False))
def test_the_order_of_examples_does_not_matter(sets: list[frozenset[int]], draw: object) -> None:
    """A signature is a function of the set of examples."""
    shuffled = sorted(sets, key=lambda each: (len(each), sorted(each)))
    assert signature(as_examples(sets), 2, SPACE) == signature(as_examples(shuffled), 2, SPACE)


@pytest.mark.parametrize(
    ("quorum", "n", "count"),
    [("0.5", 10, 5), ("0.5", 9, 5), ("0.51", 10, 6), ("0", 10, 1), ("1", 7, 7)],
)
def test_the_quorum_is_the_least_number_that_reaches_the_share(
    quorum: str, n: int, count: int
) -> None:
    """Exact arithmetic: half of nine examples is five, and never none."""
    assert quorum_count(Decimal(quorum), n) == count


def test_heads_are_ranked_by_size_and_equal_ones_by_place() -> None:
    """A negative effect ranks by its size, and one that goes both ways below one that does not."""
    values = {
        "0.0": [Decimal("0.1"), Decimal("0.1")],
        "0.1": [Decimal("-0.3"), Decimal("-0.3")],
        "1.0": [Decimal("0.1"), Decimal("0.1")],
        "1.1": [Decimal("0.5"), Decimal("-0.3")],
        "1.2": [Decimal("0.5"), Decimal("-0.5")],
    }
    assert ranking(values) == ["0.1", "1.1", "0.0", "1.0", "1.2"]


def test_screened_heads_carry_rank_mean_and_support() -> None:
    """Each head with what its effects come to, in layer order."""
    effects = recorded_effects(np.array([[0.0, 0.4, 0.1], [0.0, 0.2, 0.0]]))
    examples = discretise(np.zeros((2, 3, 2)), effects, Decimal("0.05"))
    heads = screened_heads(effects, examples, SPACE, seed=0)
    assert [(h.head, h.rank, str(h.attributed), h.support) for h in heads] == [
        ("0.0", 3, "0.0000", 0),
        ("0.1", 1, "0.3000", 2),
        ("1.0", 2, "0.0500", 1),
    ]


def test_head_ids_sort_by_layer_then_head() -> None:
    """10.2 comes after 9.11: ids are numbers, not text."""
    assert sorted(["10.2", "9.11", "9.2"], key=layer_order) == ["9.2", "9.11", "10.2"]


@pytest.mark.parametrize(
    ("mean", "low", "high", "inside"),
    [
        ("0.0500", "0.0100", "0.0900", True),
        ("0.0499", "0.0400", "0.0600", False),
        ("0.2000", "-0.0100", "0.4000", False),
        ("0.2000", "0.0000", "0.4000", False),
        ("-0.0600", "-0.0900", "-0.0100", True),
    ],
)
def test_a_head_belongs_when_its_effect_is_large_and_sure(
    mean: str, low: str, high: str, inside: bool
) -> None:
    """Magnitude at least the threshold, and an interval on one side of 0."""
    head = PatchedHead.model_validate_json(
        f'{{"head":"0.1","chosen":"ranked","effects":["{mean}"],"effect":'
        f'{{"mean":"{mean}","low":"{low}","high":"{high}","level":"0.95","n":1}}}}'
    )
    assert belongs(head, specification().thresholds) is inside


def test_the_circuit_by_codes_the_hand_made_record() -> None:
    """Heads 0.1 and 1.0 reach the threshold; in two examples no pair can beat chance."""
    space = CodeSpace.of(model_identity().layers, latents=4)
    heads = [patched("1.0", "0.7500"), patched("0.1", "0.2500"), patched("0.0", "0.0000")]
    circuit = circuit_by_codes(codes(), heads, specification().thresholds, space)
    assert (circuit.heads, circuit.edges, circuit.pairs_tested) == (("0.1", "1.0"), (), 1)


def test_an_edge_is_a_pair_that_occurs_together_beyond_chance() -> None:
    """Two heads present in the same 5 of 10 examples: chance 1 in 252."""
    space = CodeSpace(("0.0", "1.0"), latents=1)
    sets = [{2, 5} if i < 5 else {0, 3} for i in range(10)]
    table = Codes(
        stride=3,
        quorum_count=5,
        examples=as_examples([frozenset(each) for each in sets]),
        signature=(2, 5),
        heads=(),
        unexplained_variance=Decimal("0.0"),
        ties=0,
        unvarying=(),
        roles=UNSEEN,
        latents=UNSEEN,
        negatives=UNSEEN,
        envelope=UNSEEN,
    )
    circuit = circuit_by_codes(
        table, [patched("0.0", "0.5"), patched("1.0", "0.5")], specification().thresholds, space
    )
    (edge,) = circuit.edges
    assert (edge.source, edge.target, edge.together) == ("0.0", "1.0", 5)
    assert edge.p_value == Decimal("0.0040")  # 1/252


def test_heads_of_one_layer_form_no_pair() -> None:
    """An edge runs from an earlier layer to a later one."""
    space = CodeSpace.of(model_identity().layers, latents=4)
    circuit = circuit_by_codes(
        codes(), [patched("0.0", "0.5"), patched("0.1", "0.5")], specification().thresholds, space
    )
    assert circuit.pairs_tested == 0


def test_the_joint_chance_is_that_of_counting_every_placement() -> None:
    """The hypergeometric tail equals listing all ways to place the second head's examples."""
    n, a, b = 6, {0, 1, 2}, {0, 1, 5}
    together = len(a & b)
    placements = list(itertools.combinations(range(n), len(b)))
    slow = Fraction(sum(len(a & set(p)) >= together for p in placements), len(placements))
    from pyroaring import BitMap

    from auditkit.circuits.circuit import _joint_chance

    assert _joint_chance(BitMap(a), BitMap(b), n) == slow
