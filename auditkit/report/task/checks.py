"""What the causal check measured beside each head's effect: one short list of facts per question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auditkit.circuits.circuit import takes_over
from auditkit.messages import N_, _, number_text
from auditkit.records.base import Interval, NotAssessed
from auditkit.records.causal import (
    Backup,
    Causal,
    Completion,
    ConstantRole,
    Forwards,
    HeadsEffect,
    JointAblation,
    Minimality,
    RandomSets,
)
from auditkit.records.specification import Thresholds
from auditkit.records.task import TaskRecord
from auditkit.report.facts import Fact, measured
from auditkit.report.wording import (
    ABLATIONS,
    OBSERVATIONS,
    decimal_text,
    interval_text,
    listed,
    percent_interval_text,
    percent_text,
)

_DROPS = {
    "discovery": N_("Mean drop of the metric, discovery pairs, {ablation} ablation"),
    "test": N_("Mean drop of the metric, test pairs, {ablation} ablation"),
}


@dataclass(frozen=True)
class CheckView:
    """One question about the circuit, and the facts that answer it."""

    title: str
    caption: str
    facts: tuple[Fact, ...]


def check_views(task: TaskRecord) -> tuple[CheckView, ...]:
    """The checks that were made. Why others were not stands with what was not assessed."""
    return tuple(_views(task))


def _views(task: TaskRecord) -> Iterator[CheckView]:
    if isinstance(task.effect, HeadsEffect):
        yield CheckView(
            _("Effect of all heads together"),
            _("What replacing every head takes away, which all shares are shares of"),
            _effect(task.effect),
        )
    if not isinstance(task.causal, Causal):
        return
    causal, thresholds = task.causal, task.specification.thresholds
    yield CheckView(
        _("Whether the heads found carry the effect"),
        _("On the discovery pairs, with every other head replaced"),
        _completion(causal.completion),
    )
    if isinstance(causal.minimality, Minimality):
        yield CheckView(
            _("Whether a smaller circuit would do"),
            _("Each circuit head left out in turn, with every head outside the circuit replaced"),
            _minimality(causal.minimality),
        )
    if isinstance(causal.joint_ablation, JointAblation):
        yield CheckView(
            _("Heads that take over"),
            _("Pairs of a circuit head and a head outside the circuit, replaced together"),
            _joint(causal.joint_ablation, thresholds),
        )
    if isinstance(causal.random_sets, RandomSets):
        yield CheckView(
            _("Random sets of heads as a yardstick"),
            _("What removing random heads loses"),
            _random_sets(causal.random_sets),
        )
    if isinstance(causal.constant_role, ConstantRole):
        yield CheckView(
            _("Heads with a constant role"),
            _("What resampling cannot show"),
            _constant_role(causal.constant_role),
        )


def _effect(effect: HeadsEffect) -> tuple[Fact, ...]:
    figures = {"p_value": decimal_text(effect.p_value), "swaps": number_text(effect.swaps)}
    swapped = (
        _("{p_value}, from {swaps} all patterns of swapped labels", **figures)
        if effect.exact
        else _("{p_value}, from {swaps} random patterns of swapped labels", **figures)
    )
    return (
        *(
            measured(
                _(
                    _DROPS[each.pairs],
                    ablation=_(ABLATIONS[each.ablation]),
                ),
                interval_text(each.drop),
            )
            for each in effect.measured
        ),
        measured(
            _("p-value of the first"),
            swapped,
        ),
        measured(_("Effect of heads"), _(OBSERVATIONS[effect.state])),
    )


def _completion(completion: Completion) -> tuple[Fact, ...]:
    alone, completed = completion.alone, completion.completed
    return (
        measured(
            _("Share that the heads found one by one carry"),
            f"{percent_interval_text(alone.share)}: {_(OBSERVATIONS[alone.state])}",
        ),
        measured(
            _("Heads that complete them, and what is lost without each"),
            _named((each.head, each.effect) for each in completion.heads),
        ),
        measured(
            _("Share that all of them carry"),
            _left_out(completed)
            if isinstance(completed, NotAssessed)
            else f"{percent_interval_text(completed.share)}: {_(OBSERVATIONS[completed.state])}",
        ),
    )


def _minimality(minimality: Minimality) -> tuple[Fact, ...]:
    return (
        measured(
            _(
                "Lost without each head, {ablation} ablation",
                ablation=_(ABLATIONS[minimality.ablation]),
            ),
            _named((each.head, each.loss) for each in minimality.left_out),
        ),
        measured(_("Heads the circuit does not surely miss"), listed(minimality.dispensable)),
    )


def _left_out(part: NotAssessed) -> str:
    return _("not assessed. {reason}", reason=part.reason)


def _named(heads: Iterable[tuple[str, Interval]]) -> str:
    return listed(f"{head} {percent_interval_text(share)}" for head, share in heads)


def _joint(joint: JointAblation, thresholds: Thresholds) -> tuple[Fact, ...]:
    together = joint.with_backups
    taking = [each for each in joint.tried if takes_over(each, thresholds)]
    return (
        measured(_("Pairs of heads replaced together"), number_text(len(joint.tried))),
        measured(_("Lost more together than apart, at the threshold"), listed(map(_pair, taking))),
        measured(_("Heads that take over"), listed(joint.backups)),
        measured(
            _("Share lost without the circuit and them"),
            _left_out(together)
            if isinstance(together, NotAssessed)
            else listed(
                _(
                    "{share} under {ablation} ablation",
                    share=percent_interval_text(each.share),
                    ablation=_(ABLATIONS[each.ablation]),
                )
                for each in together
            ),
        ),
    )


def _pair(tried: Backup) -> str:
    return _(
        "{head} for {primary} {gain}",
        head=tried.head,
        primary=tried.primary,
        gain=percent_interval_text(tried.gain),
    )


def _random_sets(sets: RandomSets) -> tuple[Fact, ...]:
    shares = sorted(sets.shares)
    return (
        measured(
            _("Random sets"), _("{n}, as many heads in each layer as the circuit", n=len(shares))
        ),
        measured(
            _("Share they lose: least, middle, most"),
            f"{percent_text(shares[0])}, {percent_text(shares[len(shares) // 2])}, "
            f"{percent_text(shares[-1])}",
        ),
        measured(_("Sets that lose as much as the circuit"), number_text(sets.at_least)),
        measured(_("p-value"), decimal_text(sets.p_value)),
    )


def _constant_role(role: ConstantRole) -> tuple[Fact, ...]:
    together = role.with_circuit
    return (
        measured(
            _("Heads outside the circuit replaced by their average"), number_text(len(role.patched))
        ),
        measured(_("Missed, at the threshold of the circuit"), listed(role.heads)),
        measured(
            _("Share the circuit keeps together with them, under mean ablation"),
            _left_out(together)
            if isinstance(together, NotAssessed)
            else percent_interval_text(together.share),
        ),
    )


def cost_facts(forwards: Forwards) -> tuple[Fact, ...]:
    """How often the model was run, for which purpose."""
    return (
        measured(_("To attribute effects"), number_text(forwards.attribution)),
        measured(_("To find the circuit"), number_text(forwards.search)),
        measured(_("To check it"), number_text(forwards.checks)),
    )
