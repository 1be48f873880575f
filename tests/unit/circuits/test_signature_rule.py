"""The rule for a declared signature: what carries, what is refused, what stays open."""

from __future__ import annotations

from decimal import Decimal

import pytest

from auditkit.circuits.signature import NO_SIGNATURE, checked, declared_latents, with_signature
from auditkit.records.looks import Ruled
from auditkit.records.signature import DeclaredLatents
from tests.builders import D, specification

N = 24
Effects = tuple[Decimal, ...]


def on(*shares: str) -> Effects:
    """One value for each of the pairs, these in turn."""
    return tuple(D(shares[pair % len(shares)]) for pair in range(N))


def declared(together: Effects, *alone: Effects, exact: Effects | None = None) -> DeclaredLatents:
    whole = on("0.50", "0.54") if exact is None else exact
    latents = list(range(len(alone)))
    return declared_latents("1.0", latents, (whole, together, alone), specification())


def test_latents_that_carry_their_head_and_all_work_are_consistent() -> None:
    """As much as the head itself, with each latent doing a part."""
    found = declared(on("0.50", "0.52"), on("0.3"), on("0.2"))
    assert (found.carries, found.idle, found.open) == ("consistent", (), ())
    assert checked([found]).verdict == "consistent"


@pytest.mark.parametrize(
    ("together", "carries"),
    [
        (on("0.0"), "not_consistent"),
        (on("0.30", "0.32"), "not_consistent"),
        (on("-0.5", "-0.52"), "not_consistent"),
        (on("0.90", "0.92"), "not_consistent"),
        (on("0.41", "0.45"), "consistent"),
        (on("0.1", "0.9"), "inconclusive"),
    ],
)
def test_what_is_carried_is_held_against_the_whole_head(together: Effects, carries: Ruled) -> None:
    """Too little, the opposite or far too much is refused; what varies too much stays open."""
    assert declared(together, on("0.3")).carries == carries


def test_a_head_without_an_effect_leaves_its_latents_open() -> None:
    """Of nothing there are no shares."""
    found = declared(on("0.0"), on("0.0"), exact=on("0.01", "-0.01"))
    assert found.carries == "inconclusive"


def test_a_head_that_opposes_is_held_against_its_own_sign() -> None:
    """All signs turned round give the same."""
    found = declared(on("-0.50", "-0.52"), on("-0.3"), exact=on("-0.50", "-0.54"))
    assert (found.carries, found.idle, found.open) == ("consistent", (), ())


@pytest.mark.parametrize(
    ("alone", "idle", "unsure"),
    [
        (on("0.0"), (1,), ()),
        (on("0.001", "-0.001"), (1,), ()),
        (on("-0.2"), (1,), ()),
        (on("0.012"), (), ()),
        (on("0.2", "-0.18"), (), (1,)),
    ],
)
def test_a_latent_that_does_none_of_the_work_is_named(
    alone: Effects, idle: tuple[int, ...], unsure: tuple[int, ...]
) -> None:
    """Idle, or working against its head; or not settled by these pairs."""
    found = declared(on("0.50", "0.52"), on("0.3"), alone)
    assert (found.idle, found.open) == (idle, unsure)
    expected: Ruled = "not_consistent" if idle else "inconclusive" if unsure else "consistent"
    assert checked([found]).verdict == expected


def test_the_least_favourable_head_decides() -> None:
    """One refused head refuses the signature, one open one leaves it open."""
    good = declared(on("0.50", "0.52"), on("0.3"))
    unsettled = declared(on("0.1", "0.9"), on("0.3"))
    bad = declared(on("0.0"), on("0.3"))
    assert checked([good, unsettled]).verdict == "inconclusive"
    assert checked([unsettled, bad, good]).verdict == "not_consistent"


@pytest.mark.parametrize("ruled", ["consistent", "inconclusive", "not_consistent"])
def test_a_signature_never_makes_a_ruling_more_favourable(ruled: Ruled) -> None:
    """The less favourable of the two stands; without a signature the ruling does."""
    order = ["not_consistent", "inconclusive", "consistent"]
    assert with_signature(ruled, NO_SIGNATURE) == ruled
    for together in (on("0.0"), on("0.1", "0.9"), on("0.50", "0.52")):
        check = checked([declared(together, on("0.3"))])
        both = with_signature(ruled, check)
        assert order.index(both) == min(order.index(ruled), order.index(check.verdict))
