"""The stability envelope: redrawn circuits equal the slow way, and a flipping verdict is seen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.circuits.circuit import belongs
from auditkit.circuits.intervals import mean_interval, rounded
from auditkit.circuits.stability import envelope
from auditkit.judging.verdict import confirmed
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, PatchedHead
from auditkit.records.task import Stability, Verdict
from tests.builders import causal, set_effects, specification

SPECIFICATION = specification()
ROWS = st.integers(2, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(-2_000, 4_000), min_size=n, max_size=n), min_size=1, max_size=3
    )
)


def head(name: str, effects: Sequence[Decimal]) -> PatchedHead:
    interval = mean_interval(effects, SPECIFICATION.bootstrap, SPECIFICATION.seed)
    return PatchedHead(head=name, chosen="ranked", effects=tuple(effects), effect=interval)


def heads(rows: list[list[int]]) -> list[PatchedHead]:
    return [
        head(f"0.{i}", [Decimal(units) / 10_000 for units in row]) for i, row in enumerate(rows)
    ]


def one_is_found(_: Causal, circuit: frozenset[str]) -> Verdict:
    return "consistent" if "0.0" in circuit else "not_consistent"


def stability_of(
    patched: list[PatchedHead], templates: Sequence[str], reported: Verdict = "consistent"
) -> Stability:
    measured = causal().model_copy(update={"patched": tuple(patched)})
    return envelope(measured, templates, SPECIFICATION, one_is_found, reported)


def slow_circuits(patched: list[PatchedHead]) -> list[frozenset[str]]:
    """Each redrawn set's circuit by the circuit's own rule, one head after another."""
    n = len(patched[0].effects)
    draw = random.Random(SPECIFICATION.seed + 1)  # noqa: S311 - the same repeatable draw
    circuits = []
    for _ in range(SPECIFICATION.stability_draws):
        places = [int(draw.random() * n) for _ in range(n)]
        redrawn = [head(p.head, [p.effects[i] for i in places]) for p in patched]
        circuits.append(frozenset(p.head for p in redrawn if belongs(p, SPECIFICATION.thresholds)))
    return circuits


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_redrawn_circuits_are_those_of_the_circuits_rule(rows: list[list[int]]) -> None:
    """Frequencies and overlap equal judging every redrawn head by itself.

    Effects are whole ten-thousandths, so only a mean within half a unit of the threshold could differ;
    those are few enough to be left to the tolerance below.
    """
    patched = heads(rows)
    circuits = slow_circuits(patched)
    found = stability_of(patched, [""] * len(rows[0]))
    frequencies = {each.head: each.frequency for each in found.frequencies}
    for each in patched:
        slow = Fraction(sum(each.head in circuit for circuit in circuits), len(circuits))
        assert abs(frequencies.get(each.head, Decimal(0)) - rounded(slow)) <= Decimal("0.1")


def test_overlap_is_the_mean_over_all_pairs() -> None:
    """Counting every pair of redrawn circuits gives the same mean overlap."""
    patched = heads([[900, 100, -400, 3000], [500, 600, 700, 800]])
    circuits = slow_circuits(patched)
    pairs = list(combinations(circuits, 2))
    slow = sum(
        (Fraction(len(a & b), len(a | b)) if a | b else Fraction(1) for a, b in pairs), Fraction(0)
    )
    assert stability_of(patched, [""] * 4).mean_jaccard == rounded(slow / len(pairs))


def test_a_sure_head_is_in_every_circuit() -> None:
    """A head with the same large effect on every example cannot be drawn away."""
    found = stability_of(heads([[5000] * 6]), [""] * 6)
    assert [str(each.frequency) for each in found.frequencies] == ["1.0000"]
    assert (found.state, str(found.agreeing), found.verdicts[0].verdict) == (
        "observed",
        "1.0000",
        "consistent",
    )


def test_a_head_that_hangs_on_one_example_is_not_stable() -> None:
    """One large effect among zeros: the verdict depends on whether that example is drawn."""
    found = stability_of(heads([[10_000, 0, 0, 0, 0, 0]]), [""] * 6)
    assert found.state == "not_observed"
    assert found.verdicts[0].verdict == "not_consistent"
    assert sum(each.share for each in found.verdicts) == 1


def test_agreement_is_with_the_reported_verdict_not_with_the_most_frequent() -> None:
    """A verdict that almost no redrawn set gives does not hold, however often another one does."""
    found = stability_of(heads([[5000] * 6]), [""] * 6, reported="not_consistent")
    assert (str(found.verdicts[0].share), str(found.agreeing), found.state) == (
        "1.0000",
        "0.0000",
        "not_observed",
    )


def test_each_template_is_left_out_once() -> None:
    """With three templates there are three more circuits to agree."""
    patched = heads([[5000, 5000, 5000, 5000, 0, 0]])
    found = stability_of(patched, ["a", "a", "b", "b", "c", "c"])
    assert found.templates == 3


@pytest.mark.parametrize(
    ("templates", "reason"),
    [(["", "", "", ""], "not known"), (["a", "a", "b", "b"], "fewer than three")],
)
def test_templates_that_cannot_be_left_out_are_not_assessed(
    templates: list[str], reason: str
) -> None:
    """Prompts from a file, or of one or two forms, say why."""
    found = stability_of(heads([[5000] * 4]), templates)
    assert isinstance(found.templates, NotAssessed)
    assert reason in found.templates.reason


def test_the_draws_are_seeded() -> None:
    """The same record gives the same envelope, anywhere."""
    patched = heads([[900, 100, -400, 3000], [500, 600, 700, 800]])
    assert stability_of(patched, [""] * 4) == stability_of(patched, [""] * 4)


def test_other_thresholds_give_the_circuits_they_would_have_given() -> None:
    """A head at 4.5 % is in at a fifth less than the declared 5 %, and out at a quarter more."""
    found = stability_of(heads([[450] * 4, [550] * 4]), [""] * 4, reported="not_consistent")
    by_threshold = {
        each.value: (each.heads, each.agrees)
        for each in found.settings
        if each.setting == "head_effect"
    }
    assert by_threshold == {"0.0400": (("0.0", "0.1"), False), "0.0625": ((), True)}


def test_each_ablation_is_judged_alone() -> None:
    """Necessity under the mean alone is not enough: that ablation says so, and the other does not."""
    measured = causal().model_copy(update={"necessity": set_effects("0.9500")})
    weak = measured.necessity[1].model_copy(update={"state": "not_observed"})
    measured = measured.model_copy(update={"necessity": (measured.necessity[0], weak)})

    def judged(of: Causal, _: frozenset[str]) -> Verdict:
        return "consistent" if confirmed(of) else "inconclusive"

    found = envelope(measured, ["", ""], SPECIFICATION, judged, "inconclusive")
    by_ablation = {
        each.value: (each.verdict, each.agrees)
        for each in found.settings
        if each.setting == "ablation"
    }
    assert by_ablation == {"resample": ("consistent", False), "mean": ("inconclusive", True)}
