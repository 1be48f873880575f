"""The envelope over codes against brute force: its settings, frequencies and overlaps."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from auditkit.circuits.intervals import rounded
from auditkit.circuits.stability import code_envelope, setting_of, settings_of, whole_heads
from auditkit.records.codes import CodeSetting
from tests.builders import codes, specification

D = Decimal
HEADS = ("0.0", "0.1", "1.0")
SETS = st.lists(st.frozensets(st.sampled_from(HEADS)), min_size=18, max_size=18)


def settings(by_latent: list[frozenset[str]]) -> list[CodeSetting]:
    """The eighteen settings of two seeds, each with these heads by a latent's code."""
    return [
        setting_of(setting, heads, ())
        for setting, heads in zip(settings_of(specification()), by_latent, strict=True)
    ]


def slow_overlap(sets: list[frozenset[str]]) -> Decimal:
    """The mean Jaccard index of all pairs, one pair after another."""
    shares = [
        Fraction(len(a & b), len(a | b)) if a | b else Fraction(1) for a, b in combinations(sets, 2)
    ]
    return rounded(sum(shares, Fraction(0)) / len(shares))


@given(SETS)
def test_frequencies_and_overlaps_are_those_of_brute_force(sets: list[frozenset[str]]) -> None:
    """Counting heads and comparing pairs one by one gives the same figures."""
    envelope = code_envelope(settings(sets))
    seen = {each.head: each.frequency for each in envelope.frequencies}
    for head in HEADS:
        share = Fraction(sum(head in each for each in sets), len(sets))
        assert seen.get(head, D(0)) == rounded(share)
    assert envelope.mean_jaccard == slow_overlap(sets)
    assert envelope.over_seeds == envelope.over_seeds_latents == slow_overlap([sets[0], sets[9]])
    assert envelope.over_thresholds == slow_overlap(sets[:9])


def test_the_declared_setting_comes_first_and_all_combinations_follow() -> None:
    """Two seeds, three values of tau, three quorums."""
    found = settings_of(specification())
    assert found[0] == (0, D("0.02"), D("0.5"))
    assert len(set(found)) == len(found) == 18
    assert {tau for _, tau, _ in found} == {D("0.01"), D("0.02"), D("0.04")}
    assert {quorum for _, _, quorum in found} == {D("0.3"), D("0.5"), D("0.7")}


def test_quorums_stay_above_0_and_up_to_1() -> None:
    """A quorum that cannot be moved further is used once."""
    declared = specification()
    for quorum, expected in (("1", {"1", "0.8"}), ("0.1", {"0.1", "0.3", "0.01"})):
        thresholds = declared.thresholds.model_copy(update={"quorum": D(quorum)})
        found = settings_of(declared.model_copy(update={"thresholds": thresholds}))
        assert {each for _, _, each in found} == {D(value) for value in expected}


def test_whole_heads_count_whatever_the_autoencoder() -> None:
    """The recorded effects alone say which heads carry the code of a head as a whole."""
    heads = codes().heads
    assert whole_heads(heads, D("0.02"), D("0.5")) == {"0.1", "1.0"}
    assert whole_heads(heads, D("0.3"), D("0.5")) == {"1.0"}
    setting = setting_of((0, D("0.3"), D("0.5")), frozenset({"0.0"}), heads)
    assert (setting.heads, setting.latent_heads) == (("0.0", "1.0"), ("0.0",))
