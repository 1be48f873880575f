"""Findings about the verdict rule: what it settled, what it refuses, what it leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from auditkit.circuits.intervals import rounded
from auditkit.judging.findings.stating import Level, exact, finding
from auditkit.records.base import NotAssessed, Parameter, Row
from auditkit.records.causal import Causal
from auditkit.records.looks import OpenHead, Ruled, Ruling
from auditkit.records.signature import DeclaredLatents
from auditkit.records.task import Finding


def about_ruling(ruling: Ruling | NotAssessed) -> Iterator[Finding]:
    """What the rule says, and how much it weighs; nothing where it was not applied."""
    if isinstance(ruling, NotAssessed):
        return
    last = ruling.looks[-1]
    said: dict[str, Parameter] = {
        "pairs": last.pairs,
        "threshold": exact(ruling.bounds.threshold),
        "lower": exact(ruling.bounds.lower),
        "upper": exact(ruling.bounds.upper),
    }
    if ruling.verdict == "consistent":
        yield finding("rule_settled", "note", **said)
    elif ruling.verdict == "not_consistent":
        refused: tuple[Row, ...] = tuple(
            {
                "head": each.head,
                "claim": each.claim,
                "effect": exact(each.effect),
                "pairs": each.pairs,
            }
            for each in ruling.refused
        )
        yield finding("rule_refuses", "failure", heads=refused, **said)
    else:
        yield from _about_open(ruling, said)
    if last.spared and not ruling.only_together:
        yield finding("replaceable_heads", "warning", heads=last.spared, **said)
    if ruling.only_together:
        yield finding("only_together", "warning", **said)


def _about_open(ruling: Ruling, said: dict[str, Parameter]) -> Iterator[Finding]:
    never = tuple(
        each.head
        for each in ruling.open
        if isinstance(each.pairs_needed, NotAssessed) and each.pairs_needed.code == "never_patched"
    )
    if never:
        yield finding("heads_never_patched", "warning", heads=never)
    if not ruling.effect_is_sure:
        yield finding("effect_not_sure", "warning", pairs=ruling.looks[-1].pairs)
        return
    left = tuple(_row(each) for each in ruling.open if each.head not in never)
    if left:
        excludable = exact(ruling.excludable)
        yield finding("rule_leaves_open", "warning", heads=left, excludable=excludable, **said)


def _row(head: OpenHead) -> Row:
    """An open head, its claim, and the pairs that would settle it where that can be said."""
    needed = head.pairs_needed
    row: Row = {"head": head.head, "claim": head.claim}
    return row if isinstance(needed, NotAssessed) else {**row, "pairs_needed": needed}


def about_signature(causal: Causal | NotAssessed) -> Iterator[Finding]:
    """What a declared signature comes to; nothing where none is declared or nothing was replaced."""
    if isinstance(causal, NotAssessed) or isinstance(causal.signature, NotAssessed):
        return
    signature = causal.signature
    rows: tuple[Row, ...] = tuple(_latents_row(each) for each in signature.heads)
    code, level = _SIGNATURE[signature.verdict]
    yield finding(code, level, heads=rows, pairs=len(signature.heads[0].exact))


_SIGNATURE: dict[Ruled, tuple[str, Level]] = {
    "consistent": ("signature_carries", "note"),
    "not_consistent": ("signature_refused", "failure"),
    "inconclusive": ("signature_open", "warning"),
}


def _latents_row(head: DeclaredLatents) -> Row:
    whole = sum(map(Fraction, head.exact), Fraction(0))
    share = sum(map(Fraction, head.together), Fraction(0)) / whole if whole else Fraction(0)
    return {
        "head": head.head,
        "latents": len(head.latents),
        "share": exact(rounded(share)),
        "carries": head.carries,
        "idle": ", ".join(map(str, head.idle)),
        "open": ", ".join(map(str, head.open)),
    }
