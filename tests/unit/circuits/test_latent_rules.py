"""What measured effects of latents come to: order, the fewest that carry a head, the signature."""

from __future__ import annotations

import pytest

from auditkit.circuits.latents import (
    NOT_CARRIED,
    Candidate,
    carrying,
    first_by_work,
    tried_latent,
    verified,
)
from auditkit.records.latents import HeadLatents, TriedLatent
from tests.builders import SPACE, D, specification, verified_latents

LEAST = D("0.8")


def effects(*values: str) -> tuple[D, ...]:
    return tuple(D(value) for value in values)


def tried(*latents: int) -> list[TriedLatent]:
    """Latents of head 1.0, whose codes begin at 13."""
    return [
        tried_latent("1.0", Candidate(latent, D(0)), effects("0.1"), SPACE, specification())
        for latent in latents
    ]


def test_latents_are_taken_in_the_direction_of_their_head() -> None:
    """A head that opposes the task has its most opposing latent first, and a helping one last."""
    singles = {0: effects("0.1", "0.3"), 1: effects("-0.4", "-0.2"), 2: effects("0.0", "-0.1")}
    assert first_by_work(singles, effects("0.5", "0.1")) == [0, 2, 1]
    assert first_by_work(singles, effects("-0.5", "0.1")) == [1, 2, 0]


def test_equal_latents_keep_their_numbers() -> None:
    """Ties do not depend on the order in which latents were measured."""
    assert first_by_work({3: effects("0.1"), 1: effects("0.1")}, effects("1")) == [1, 3]


@pytest.mark.parametrize(
    ("together", "carried"),
    [
        (("0.8", "0.9"), (16,)),
        (("0.7999", "0.8"), (13, 16)),
        (("0.1", "1.2"), (13, 16)),
        (("0.1", "1.2001"), None),
        (("1.3", "1.1"), (13, 16)),
        (("-0.9", "0.2"), None),
    ],
)
def test_the_fewest_latents_that_carry_enough_and_not_too_much(
    together: tuple[str, str], carried: tuple[int, ...] | None
) -> None:
    """At least the share asked for, at most its mirror; else no number of them carries the head."""
    found = carrying(tried(3, 0), [effects(each) for each in together], effects("1"), LEAST)
    assert found == (NOT_CARRIED if carried is None else carried)


def test_a_head_that_opposes_is_carried_by_what_opposes() -> None:
    """Shares are of the head's own effect, whatever its sign; of no effect there is no share."""
    latents = tried(3, 0)
    losses = [effects("-0.5"), effects("-0.9")]
    assert carrying(latents, losses, effects("-1"), LEAST) == (13, 16)
    assert carrying(latents, losses, effects("0"), LEAST) == NOT_CARRIED


def test_the_signature_is_what_enough_pairs_measurably_share() -> None:
    """A code stands on a pair where its measured effect exceeds tau, of either sign; most pairs decide."""
    both, once, never = (
        tried_latent("1.0", Candidate(latent, D(0)), lost, SPACE, specification())
        for latent, lost in (
            (0, effects("0.0201", "-0.5")),
            (1, effects("0.5", "0.0200")),
            (2, effects("0.0200", "0.0200")),
        )
    )
    head = verified_latents().heads[1]
    latents = verified(
        [HeadLatents.model_validate({**dict(head), "tried": (both, once, never)})],
        specification(),
    )
    assert [each.codes for each in latents.pairs] == [(13, 14), (13,)]
    assert (latents.quorum_count, latents.signature) == (1, (13, 14))
    strict = specification().thresholds.model_copy(update={"quorum": D("0.6")})
    latents = verified(latents.heads, specification().model_copy(update={"thresholds": strict}))
    assert (latents.quorum_count, latents.signature) == (2, (13,))
