"""Findings about the causal check: what was replaced, what that took away, and what it did not show."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from auditkit.circuits.circuit import takes_over
from auditkit.circuits.effects import can_go_together
from auditkit.circuits.intervals import rounded
from auditkit.circuits.paths import edges_of
from auditkit.circuits.sampling import most_missed
from auditkit.judging.findings.stating import bounds, exact, finding
from auditkit.records.base import NotAssessed, Parameter, Row
from auditkit.records.causal import Causal, Minimality, SetEffect
from auditkit.records.specification import Ablation, Specification, Thresholds
from auditkit.records.task import Codes, Finding

_SURE = Decimal("0.95")
_RARE = Decimal("0.05")  # the largest p-value at which the circuit stands out from random sets


def about_checks(specification: Specification, causal: Causal) -> Iterator[Finding]:
    """What the circuit does as a set, and what belongs beside it."""
    yield from _about_sets(specification, causal)
    yield from _about_random_sets(specification, causal)
    yield from _about_minimality(causal)
    yield from _about_backups(specification.thresholds, causal)
    yield from _about_constant_role(specification.thresholds, causal)
    yield from _about_latents(causal)
    yield from _about_paths(specification.thresholds, causal)


def about_search(specification: Specification, codes: Codes, causal: Causal) -> Iterator[Finding]:
    """How the circuit was found."""
    strong = 2 * specification.thresholds.head_effect
    yield from _about_screening(codes, causal, strong)
    yield from _about_completion(specification.patching.completion, causal)


def _bounded(causal: Causal, strong: Decimal) -> dict[str, Parameter]:
    """How many heads of a strong effect the random sample leaves possible among those not replaced."""
    sample = [each for each in causal.patched if each.chosen == "sampled"]
    if _before_looks(causal) or not sample:
        return {}
    hits = sum(abs(each.effect.mean) >= strong for each in sample)
    most = most_missed(len(sample), hits, len(causal.unpatched), _SURE)
    return {"strong": exact(strong), "most_missed": most, "confidence": exact(_SURE)}


def _about_screening(codes: Codes, causal: Causal, strong: Decimal) -> Iterator[Finding]:
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
            **_bounded(causal, strong),
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
        "completed" if _before_looks(causal) else "completed_by_one_set",
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


def _about_random_sets(specification: Specification, causal: Causal) -> Iterator[Finding]:
    yardstick = causal.random_sets
    if isinstance(yardstick, NotAssessed):
        return
    ablation: Ablation = specification.ablations[0]
    seldom, n = yardstick.p_value <= _RARE, len(yardstick.shares)
    said: dict[str, Parameter] = {
        "ablation": ablation,
        "sets": n,
        "at_least": yardstick.at_least,
        "middle": exact(sorted(yardstick.shares)[n // 2]),
    }
    kind = "random_sets"
    if not _before_looks(causal):
        kind, said["least_p"] = "other_sets", exact(rounded(Fraction(1, 1 + n)))
        few = specification.patching.checked
        said |= {"pairs": min(few, len(causal.necessity[0].shares))} if few else {}
    code = f"beyond_{kind}" if seldom else f"not_beyond_{kind}"
    yield finding(code, "note" if seldom else "warning", **said)


def _before_looks(causal: Causal) -> bool:
    """Whether this was measured before there were looks, with sets that might hold circuit heads."""
    return isinstance(causal.drops, NotAssessed)


def _about_minimality(causal: Causal) -> Iterator[Finding]:
    minimality = causal.minimality
    if isinstance(minimality, NotAssessed):
        return
    said = _on_few(causal, len(minimality.left_out[0].losses))
    if minimality.dispensable:
        heads = minimality.dispensable
        yield finding("not_minimal", "warning", ablation=minimality.ablation, heads=heads, **said)
        yield from _about_redundancy(minimality)
    else:
        yield finding("minimal", "note", ablation=minimality.ablation, **said)


def _about_redundancy(minimality: Minimality) -> Iterator[Finding]:
    """Which dispensable heads can go together, and what the next one takes."""
    together = can_go_together(minimality.removed)
    if len(minimality.removed) < 2:
        return
    last = minimality.removed[-1]
    next_one: dict[str, Parameter] = (
        {} if last.head in together else {"next": last.head, "loss": bounds(last.loss)}
    )
    yield finding(
        "heads_can_go_together",
        "note",
        ablation=minimality.ablation,
        heads=together,
        circuit=len(minimality.left_out),
        pairs=len(last.losses),
        **next_one,
    )


def _on_few(causal: Causal, n: int) -> dict[str, Parameter]:
    """On how many pairs of a set a check was made; before there were looks it was always all of them."""
    return {} if _before_looks(causal) else {"pairs": n}


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
        said = _on_few(causal, len(joint.tried[0].gains))
        yield finding("backup", "note", head=head, primaries=primaries, **said)


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
    said = _on_few(causal, len(role.patched[0].effects))
    yield finding(
        "constant_role", "note", heads=role.heads, threshold=threshold, **together, **said
    )


def _about_latents(causal: Causal) -> Iterator[Finding]:
    latents = causal.latents
    if isinstance(latents, NotAssessed):
        return
    few: list[Row] = []
    others: list[Row] = []
    for each in latents.heads:
        if isinstance(each.carrying, NotAssessed):
            others.append({"head": each.head, "latents": len(each.tried)})
        else:
            few.append({"head": each.head, "latents": len(each.carrying)})
    yield finding(
        "latents_replaced",
        "note",
        pairs=len(latents.pairs),
        carried=tuple(few),
        not_carried=tuple(others),
        signature=len(latents.signature),
    )


def _about_paths(thresholds: Thresholds, causal: Causal) -> Iterator[Finding]:
    paths = causal.paths
    if isinstance(paths, NotAssessed):
        return
    edges: tuple[Row, ...] = tuple(
        {"source": each.source, "target": each.target, "share": exact(each.effect.mean)}
        for each in edges_of(paths, thresholds)
    )
    yield finding(
        "direct_paths",
        "note",
        pairs=len(paths.tried[0].effects),
        tried=len(paths.tried),
        untried=paths.untried,
        threshold=exact(thresholds.head_effect),
        edges=edges,
    )
