"""Findings about the causal check: what was replaced, what that took away, and what it did not show."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from auditkit.circuits.circuit import takes_over
from auditkit.judging.findings.wording import counted, finding, percent
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, SetEffect
from auditkit.records.specification import Specification, Thresholds
from auditkit.records.task import Codes, Finding

_RARE = Decimal("0.05")  # the largest p-value at which the circuit stands out from random sets


def about_checks(specification: Specification, causal: Causal) -> Iterator[Finding]:
    """What the circuit does as a set, and what belongs beside it."""
    yield from _about_sets(specification, causal)
    yield from _about_random_sets(causal)
    yield from _about_minimality(causal)
    yield from _about_backups(specification.thresholds, causal)
    yield from _about_constant_role(causal)


def about_search(codes: Codes, causal: Causal) -> Iterator[Finding]:
    """How the circuit was found."""
    yield from _about_screening(codes, causal)
    yield from _about_completion(causal)


def _about_screening(codes: Codes, causal: Causal) -> Iterator[Finding]:
    if not codes.signature:
        yield finding(
            "empty_signature",
            "warning",
            "No code is shared by enough examples to form a signature.",
        )
    if codes.unvarying:
        yield finding(
            "unvarying_heads",
            "warning",
            "The same output at every position of every discovery prompt, but for rounding: "
            f"{', '.join(codes.unvarying)}. There is nothing in it to encode or to replace, so "
            "nothing is said of what such a head does.",
        )
    if causal.unpatched:
        sampled = sum(each.chosen == "sampled" for each in causal.patched)
        yield finding(
            "unpatched_heads",
            "note",
            f"{counted(len(causal.patched), 'head')} were patched one by one, {sampled} of them drawn "
            f"at random from those ranked lower. {counted(len(causal.unpatched), 'head')} ranked lower "
            f"{'was' if len(causal.unpatched) == 1 else 'were'} not patched alone: their single effects "
            "are unknown, and what all heads outside the circuit do together is what the circuit alone "
            "does not carry.",
        )


def _about_completion(causal: Causal) -> Iterator[Finding]:
    completion = causal.completion
    if completion.alone.state == "observed":
        return
    lacking = f"On the discovery pairs the heads found one by one carry {_share(completion.alone)}"
    if isinstance(completion.completed, NotAssessed):
        yield finding(
            "effect_is_spread",
            "warning",
            f"{lacking} of the task effect, and no few heads more complete them: the rest is spread "
            "over many heads, each below the threshold.",
        )
        return
    names = ", ".join(each.head for each in completion.heads)
    yield finding(
        "completed",
        "warning",
        f"{lacking} of the task effect. Together with {names} they carry "
        f"{_share(completion.completed)}; replaced alone, "
        f"{'it does' if len(completion.heads) == 1 else 'they do'} not reach the threshold.",
    )


def _about_sets(specification: Specification, causal: Causal) -> Iterator[Finding]:
    thresholds = specification.thresholds
    for effect in causal.necessity:
        text = (
            f"Under {effect.ablation} ablation, replacing the circuit's heads removes "
            f"{_share(effect)} of the task effect; at least {percent(thresholds.necessity)} is "
            "asked."
        )
        if effect.state == "observed":
            yield finding("necessity_observed", "note", text)
        else:
            yield finding("necessity_not_observed", "warning", f"{text} That was not reached.")
    for effect in causal.sufficiency:
        yield _about_sufficiency(effect, thresholds.sufficiency)


def _share(effect: SetEffect) -> str:
    share = effect.share
    return f"{percent(share.mean)} ({percent(share.low)} to {percent(share.high)})"


def _about_sufficiency(effect: SetEffect, least: Decimal) -> Finding:
    text = (
        f"Under {effect.ablation} ablation of every other head, the circuit alone carries "
        f"{_share(effect)} of the task effect."
    )
    if effect.state == "observed":
        return finding("sufficiency_observed", "note", text)
    if effect.share.mean > 1:
        return finding(
            "sufficiency_exceeded",
            "warning",
            f"{text} That is more than the whole model carries: under this ablation the circuit does "
            "not work as it does inside the model.",
        )
    return finding(
        "sufficiency_not_observed",
        "warning",
        f"{text} Below {percent(least)} the circuit alone is incomplete under this ablation.",
    )


def _about_random_sets(causal: Causal) -> Iterator[Finding]:
    yardstick = causal.random_sets
    if isinstance(yardstick, NotAssessed):
        return
    middle = sorted(yardstick.shares)[len(yardstick.shares) // 2]
    text = (
        f"Of {len(yardstick.shares)} random sets with as many heads in each layer, "
        f"{yardstick.at_least} lose as much of the task effect as the circuit; the middle one loses "
        f"{percent(middle)}."
    )
    seldom = yardstick.p_value <= _RARE
    yield finding(
        "beyond_random_sets" if seldom else "not_beyond_random_sets",
        "note" if seldom else "warning",
        text,
    )


def _about_minimality(causal: Causal) -> Iterator[Finding]:
    minimality = causal.minimality
    if isinstance(minimality, NotAssessed):
        return
    if minimality.dispensable:
        yield finding(
            "not_minimal",
            "warning",
            f"Without {', '.join(minimality.dispensable)}, one at a time, the rest of the circuit does "
            "not surely carry less: a smaller circuit would do as well.",
        )
    else:
        yield finding(
            "minimal", "note", "The circuit surely carries less without any one of its heads."
        )


def _about_backups(thresholds: Thresholds, causal: Causal) -> Iterator[Finding]:
    joint = causal.joint_ablation
    if isinstance(joint, NotAssessed):
        return
    for head in joint.backups:
        primaries = [
            f"{each.primary} ({percent(each.gain.mean)} more is lost with both replaced)"
            for each in joint.tried
            if each.head == head and takes_over(each, thresholds)
        ]
        yield finding(
            "backup",
            "note",
            f"{head} is outside the circuit, and takes over when a head of it is replaced: "
            f"{', '.join(primaries)}.",
        )


def _about_constant_role(causal: Causal) -> Iterator[Finding]:
    role = causal.constant_role
    if isinstance(role, NotAssessed) or not role.heads:
        return
    together = (
        ""
        if isinstance(role.with_circuit, NotAssessed)
        else f" Together with the circuit they carry {_share(role.with_circuit)} of the task effect "
        "under mean ablation of every other head."
    )
    yield finding(
        "constant_role",
        "note",
        f"Outside the circuit, {', '.join(role.heads)} "
        f"{'is' if len(role.heads) == 1 else 'are'} missed when an average output takes the place, "
        "though the output on the matched prompt does: needed, but not shown to tell the prompts "
        f"apart.{together}",
    )
