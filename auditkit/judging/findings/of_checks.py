"""Findings about the causal check: what was replaced, what that took away, and what it did not show."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from auditkit.circuits.circuit import takes_over
from auditkit.judging.findings.stating import bounds, exact, finding
from auditkit.records.base import NotAssessed, Parameter, Row
from auditkit.records.causal import Causal, SetEffect
from auditkit.records.specification import Ablation, Specification, Thresholds
from auditkit.records.task import Codes, Finding

_RARE = Decimal("0.05")  # the largest p-value at which the circuit stands out from random sets


def about_checks(specification: Specification, causal: Causal) -> Iterator[Finding]:
    """What the circuit does as a set, and what belongs beside it."""
    yield from _about_sets(specification, causal)
    yield from _about_random_sets(specification.ablations[0], causal)
    yield from _about_minimality(causal)
    yield from _about_backups(specification.thresholds, causal)
    yield from _about_constant_role(specification.thresholds, causal)


def about_search(specification: Specification, codes: Codes, causal: Causal) -> Iterator[Finding]:
    """How the circuit was found."""
    yield from _about_screening(codes, causal)
    yield from _about_completion(specification.patching.completion, causal)


def _about_screening(codes: Codes, causal: Causal) -> Iterator[Finding]:
    if not codes.signature:
        yield finding("empty_signature", "warning")
    if codes.unvarying:
        yield finding("unvarying_heads", "warning", heads=codes.unvarying)
    if causal.unpatched:
        yield finding(
            "unpatched_heads",
            "note",
            patched=len(causal.patched),
            sampled=sum(each.chosen == "sampled" for each in causal.patched),
            unpatched=len(causal.unpatched),
        )


def _about_completion(allowed: int, causal: Causal) -> Iterator[Finding]:
    completion = causal.completion
    if completion.alone.state == "observed":
        return
    alone, ablation = bounds(completion.alone.share), completion.alone.ablation
    if isinstance(completion.completed, NotAssessed):
        yield finding(
            "effect_is_spread", "warning", ablation=ablation, alone=alone, allowed=allowed
        )
        return
    yield finding(
        "completed",
        "warning",
        ablation=ablation,
        alone=alone,
        heads=tuple(each.head for each in completion.heads),
        completed=bounds(completion.completed.share),
    )


def _about_sets(specification: Specification, causal: Causal) -> Iterator[Finding]:
    thresholds = specification.thresholds
    for effect in causal.necessity:
        said = _said(effect, thresholds.necessity)
        if effect.state == "observed":
            yield finding("necessity_observed", "note", **said)
        else:
            yield finding("necessity_not_observed", "warning", **said)
    for effect in causal.sufficiency:
        yield _about_sufficiency(effect, thresholds.sufficiency)


def _about_sufficiency(effect: SetEffect, least: Decimal) -> Finding:
    said = _said(effect, least)
    if effect.state == "observed":
        return finding("sufficiency_observed", "note", **said)
    if effect.share.mean > 1:
        return finding("sufficiency_exceeded", "warning", **said)
    return finding("sufficiency_not_observed", "warning", **said)


def _said(effect: SetEffect, least: Decimal) -> dict[str, Parameter]:
    """A set's share under one ablation, and the least that is asked of it."""
    return {
        "ablation": effect.ablation,
        "share": bounds(effect.share),
        "least": exact(least),
    }


def _about_random_sets(ablation: Ablation, causal: Causal) -> Iterator[Finding]:
    yardstick = causal.random_sets
    if isinstance(yardstick, NotAssessed):
        return
    seldom = yardstick.p_value <= _RARE
    yield finding(
        "beyond_random_sets" if seldom else "not_beyond_random_sets",
        "note" if seldom else "warning",
        ablation=ablation,
        sets=len(yardstick.shares),
        at_least=yardstick.at_least,
        middle=exact(sorted(yardstick.shares)[len(yardstick.shares) // 2]),
    )


def _about_minimality(causal: Causal) -> Iterator[Finding]:
    minimality = causal.minimality
    if isinstance(minimality, NotAssessed):
        return
    if minimality.dispensable:
        yield finding(
            "not_minimal", "warning", ablation=minimality.ablation, heads=minimality.dispensable
        )
    else:
        yield finding("minimal", "note", ablation=minimality.ablation)


def _about_backups(thresholds: Thresholds, causal: Causal) -> Iterator[Finding]:
    joint = causal.joint_ablation
    if isinstance(joint, NotAssessed):
        return
    for head in joint.backups:
        primaries: tuple[Row, ...] = tuple(
            {"head": each.primary, "gain": exact(each.gain.mean)}
            for each in joint.tried
            if each.head == head and takes_over(each, thresholds)
        )
        yield finding("backup", "note", head=head, primaries=primaries)


def _about_constant_role(thresholds: Thresholds, causal: Causal) -> Iterator[Finding]:
    role = causal.constant_role
    if isinstance(role, NotAssessed) or not role.heads:
        return
    together: dict[str, Parameter] = (
        {}
        if isinstance(role.with_circuit, NotAssessed)
        else {"with_circuit": bounds(role.with_circuit.share)}
    )
    threshold = exact(thresholds.head_effect)
    yield finding("constant_role", "note", heads=role.heads, threshold=threshold, **together)
