"""What was declared of a task, and what was made of it: the verdict rule's looks, or precision and recall."""

from __future__ import annotations

from decimal import Decimal

from auditkit.judging.by_chance import n_heads_of
from auditkit.messages import N_, _, counted, number_text
from auditkit.policy.specifying import STANDARD
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.declared import Expectation
from auditkit.records.looks import HeadClaim, Look, OpenHead, RefusedHead, Ruling
from auditkit.records.model import ModelIdentity
from auditkit.records.task import Comparison, TaskRecord
from auditkit.report.facts import Fact, declared_fact, measured_fact, quoted_fact
from auditkit.report.wording import (
    VERDICTS,
    absent_text,
    decimal_text,
    listed,
    number_or_reason,
    percent_text,
    sentence,
)

_CLAIMS: dict[HeadClaim, str] = {"declared": N_("declared"), "not_declared": N_("not declared")}

CAUSES: dict[str, str] = {
    "method_observes": N_("the method only observes"),
    "other_weights": N_("the circuit was declared for other weights"),
    "no_effect_of_heads": N_("replacing every head takes nothing away that chance does not"),
    "effect_not_sure": N_("it is not sure that replacing every head lowers the metric"),
    "heads_not_replaced": N_("not every head was replaced"),
    "heads_open": N_("the pairs leave heads open"),
    "heads_replaceable": N_("declared heads are replaceable by others"),
    "heads_only_together": N_("heads carry the effect only together"),
    "signature_open": N_("the pairs do not settle the declared signature"),
    "no_head_found": N_("no head was found"),
    "necessity_not_observed": N_("too little is lost without the circuit"),
    "behaviour_open": N_("the test pairs do not settle whether the behaviour is as declared"),
    "declaration_cannot_fail": N_("every circuit of this size would have met the declaration"),
    "redraws_disagree": N_("pairs drawn again give other verdicts"),
    "controls_not_recovered": N_("the known-answer controls were not recovered"),
}
"""Each cause of an inconclusive verdict (``auditkit.judging.causes``), in a few words."""


def because(causes: tuple[str, ...]) -> str:
    """Why a verdict is inconclusive, in one line; nothing for any other verdict."""
    return "; ".join(_(CAUSES[each]) for each in causes)


def compared_in_short(task: TaskRecord) -> str:
    """What was declared, found and asked, in one line; nothing where nothing was compared."""
    expected, compared, causal = task.expected, task.comparison, task.causal
    if isinstance(expected, NotAssessed) or isinstance(causal, NotAssessed):
        return ""
    if isinstance(compared, NotAssessed):
        return ""
    said = [
        _(
            "declared {declared} of {heads} heads, found {found}, shared {shared}",
            declared=len(set(expected.heads)),
            heads=n_heads_of(causal),
            found=len(compared.matched) + len(compared.extra),
            shared=len(compared.matched),
        )
    ]
    if expected.min_precision is not None and expected.min_recall is not None:
        said.append(
            _(
                "asked instead of the verdict rule: precision at least {precision}, recall at least {recall}",
                precision=decimal_text(expected.min_precision),
                recall=decimal_text(expected.min_recall),
            )
        )
    tolerance, standard = task.specification.thresholds.tolerance, STANDARD.thresholds.tolerance
    if tolerance > standard:
        said.append(
            _(
                "tolerance {tolerance}, more than the standard {standard}",
                tolerance=decimal_text(tolerance),
                standard=decimal_text(standard),
            )
        )
    return "; ".join(said)


def comparison_facts(task: TaskRecord, model: ModelIdentity) -> tuple[tuple[Fact, ...], str]:
    """What was declared and what judged it, and the words in place of a comparison that was not made."""
    expected, compared = task.expected, task.comparison
    if isinstance(expected, NotAssessed):
        return (), _("No circuit was declared. {reason}", reason=sentence(expected.reason))
    facts = (
        declared_fact(_("Heads declared"), listed(expected.heads)),
        quoted_fact(_("Source of the declaration"), expected.source),
        declared_fact(_("Declared for"), _declared_for(expected.declared_for, model)),
        declared_fact(_("Latents declared, by head"), _signature(expected)),
        declared_fact(_("Sufficiency the declaration claims"), _claimed(expected.min_sufficiency)),
        *_ruling_facts(task.ruling),
        *_signature_facts(task.causal),
    )
    if isinstance(compared, NotAssessed):
        return facts, _("Not compared. {reason}", reason=sentence(compared.reason))
    return (
        *facts,
        measured_fact(_("Declared and found"), listed(compared.matched)),
        measured_fact(_("Declared, not found"), listed(compared.missing)),
        measured_fact(_("Found, not declared"), listed(compared.extra)),
        *_shares(expected, compared),
        measured_fact(
            _("Share of all circuits of this size that would have met the declaration"),
            number_or_reason(compared.met_by_chance),
        ),
    ), ""


def _signature(expected: Expectation) -> str | None:
    if expected.signature is None:
        return None
    return "; ".join(
        f"{head}: {listed(map(str, latents))}" for head, latents in expected.signature.items()
    )


def _signature_facts(causal: Causal | NotAssessed) -> tuple[Fact, ...]:
    if isinstance(causal, NotAssessed) or isinstance(causal.signature, NotAssessed):
        return ()
    return (
        measured_fact(
            _("What the rule for a declared signature says"), _(VERDICTS[causal.signature.verdict])
        ),
    )


def _shares(expected: Expectation, compared: Comparison) -> tuple[Fact, ...]:
    """Precision and recall, where the declaration is judged by them."""
    if expected.min_precision is None or expected.min_recall is None:
        return ()
    return (
        measured_fact(
            _("Precision: share of found heads that were declared"),
            _asked(number_or_reason(compared.precision), expected.min_precision),
        ),
        measured_fact(
            _("Recall: share of declared heads that were found"),
            _asked(decimal_text(compared.recall), expected.min_recall),
        ),
    )


def _ruling_facts(ruling: Ruling | NotAssessed) -> tuple[Fact, ...]:
    if isinstance(ruling, NotAssessed):
        return (measured_fact(_("Verdict rule"), absent_text(ruling)),)
    bounds = ruling.bounds
    return (
        measured_fact(
            _("What the verdict rule asks"),
            _(
                "each declared head surely above {lower} of the task effect, every other one surely below "
                "{upper}",
                lower=percent_text(bounds.lower),
                upper=percent_text(bounds.upper),
            ),
        ),
        measured_fact(_("Looks of the verdict rule"), "; ".join(map(_look, ruling.looks))),
        measured_fact(
            _("Heads that refuse the declaration"), listed(map(_refused, ruling.refused))
        ),
        measured_fact(_("Heads left open"), listed(map(_open, ruling.open))),
        measured_fact(_("What the verdict rule says"), _(VERDICTS[ruling.verdict])),
    )


def _look(look: Look) -> str:
    return _(
        "{pairs}: {closed}",
        pairs=counted(look.pairs, "{n} pair", "{n} pairs"),
        closed=counted(len(look.closed), "{n} head settled", "{n} heads settled"),
    )


def _refused(head: RefusedHead) -> str:
    return _(
        "{head} ({claim}), {effect} on {pairs}",
        head=head.head,
        claim=_(_CLAIMS[head.claim]),
        effect=percent_text(head.effect),
        pairs=counted(head.pairs, "{n} pair", "{n} pairs"),
    )


def _open(head: OpenHead) -> str:
    needed = head.pairs_needed
    settled = (
        sentence(needed.reason)
        if isinstance(needed, NotAssessed)
        else _("about {n} pairs would settle it", n=number_text(needed))
    )
    return _(
        "{head} ({claim}): {settled}", head=head.head, claim=_(_CLAIMS[head.claim]), settled=settled
    )


def _asked(figure: str, least: Decimal) -> str:
    return _("{figure} (asked: at least {least})", figure=figure, least=decimal_text(least))


def _claimed(least: Decimal | None) -> str | None:
    if least is None:
        return _("none claimed")
    return _(
        "{low} to {high}, under every ablation",
        low=decimal_text(least),
        high=decimal_text(2 - least),
    )


def _declared_for(declared_for: str | None, model: ModelIdentity) -> str:
    if declared_for is None:
        return _("not stated: head indices mean nothing on other weights")
    if declared_for == model.weights_digest:
        return _("the weights that were audited")
    return _(
        "other weights ({digest}): head indices mean nothing on the audited ones",
        digest=declared_for,
    )
