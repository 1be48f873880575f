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
from auditkit.report.facts import Fact, measured_fact
from auditkit.report.wording import (
    ABLATIONS,
    OBSERVATIONS,
    absent_text,
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
            _(
                "What replacing every head takes away. A share is a share of such a drop: on the same pairs, "
                "under the same ablation"
            ),
            _effect(task.effect),
        )
    if not isinstance(task.causal, Causal):
        return
    causal, thresholds = task.causal, task.specification.thresholds
    first = _(ABLATIONS[task.specification.ablations[0]])
    yield CheckView(
        _("Whether the heads found carry the effect"),
        _(
            "On the discovery pairs, with every other head replaced, under {ablation} ablation",
            ablation=first,
        ),
        _completion(causal.completion),
    )
    if isinstance(causal.minimality, Minimality):
        yield CheckView(
            _("Whether a smaller circuit would do"),
            _(
                "On {pairs} of the test pairs: each circuit head left out in turn, with every head outside "
                "the circuit replaced",
                pairs=_few(task, task.examples.test.n),
            ),
            _minimality(causal.minimality),
        )
    if isinstance(causal.joint_ablation, JointAblation):
        yield CheckView(
            _("Heads that take over"),
            _(
                "On {pairs} of the discovery pairs: a circuit head and a head outside the circuit, replaced "
                "together by their outputs on the matched prompt",
                pairs=_few(task, task.examples.discovery.n),
            ),
            _joint(causal.joint_ablation, thresholds),
        )
    if isinstance(causal.random_sets, RandomSets):
        yield CheckView(
            _("Other sets of heads as a yardstick"),
            _(
                "On {pairs} of the test pairs, under {ablation} ablation: what replacing as many heads "
                "outside the circuit takes away, drawn at random",
                pairs=_few(task, task.examples.test.n),
                ablation=first,
            ),
            _random_sets(causal.random_sets),
        )
    if isinstance(causal.constant_role, ConstantRole):
        yield CheckView(
            _("Heads with a constant role"),
            _(
                "On {pairs} of the discovery pairs, under mean ablation: heads outside the circuit, replaced "
                "one at a time. Resampling cannot show a head that puts out the same on both prompts",
                pairs=_few(task, task.examples.discovery.n),
            ),
            _constant_role(causal.constant_role),
        )


def _few(task: TaskRecord, n: int) -> str:
    """On how many pairs of a set a check was made."""
    checked = task.specification.patching.checked
    return number_text(min(checked, n) if checked else n)


def _effect(effect: HeadsEffect) -> tuple[Fact, ...]:
    figures = {"p_value": decimal_text(effect.p_value), "swaps": number_text(effect.swaps)}
    swapped = (
        _("{p_value}, from all {swaps} patterns of swapped labels", **figures)
        if effect.exact
        else _("{p_value}, from {swaps} random patterns of swapped labels", **figures)
    )
    return (
        *(
            measured_fact(
                _(
                    _DROPS[each.pairs],
                    ablation=_(ABLATIONS[each.ablation]),
                ),
                interval_text(each.drop),
            )
            for each in effect.measured
        ),
        measured_fact(
            _("p-value of the first of these drops"),
            swapped,
        ),
        measured_fact(_("Effect of all heads"), _(OBSERVATIONS[effect.state])),
    )


def _completion(completion: Completion) -> tuple[Fact, ...]:
    alone, completed = completion.alone, completion.completed
    return (
        measured_fact(
            _("Share of the task effect that the heads found one by one carry"),
            f"{percent_interval_text(alone.share)}: {_(OBSERVATIONS[alone.state])}",
        ),
        measured_fact(
            _("Heads that complete them, and the share lost without each"),
            _named((each.head, each.effect) for each in completion.heads),
        ),
        measured_fact(
            _("Share of the task effect that all of them carry"),
            absent_text(completed)
            if isinstance(completed, NotAssessed)
            else f"{percent_interval_text(completed.share)}: {_(OBSERVATIONS[completed.state])}",
        ),
    )


def _minimality(minimality: Minimality) -> tuple[Fact, ...]:
    return (
        measured_fact(
            _(
                "Lost without each head, {ablation} ablation",
                ablation=_(ABLATIONS[minimality.ablation]),
            ),
            _named((each.head, each.loss) for each in minimality.left_out),
        ),
        measured_fact(
            _("Heads whose loss has an interval that includes zero"), listed(minimality.dispensable)
        ),
        *(
            (
                measured_fact(
                    _("Lost as these are left out one after the other"),
                    _named((each.head, each.loss) for each in minimality.removed),
                ),
            )
            if minimality.removed
            else ()
        ),
    )


def _named(heads: Iterable[tuple[str, Interval]]) -> str:
    return listed(f"{head} {percent_interval_text(share)}" for head, share in heads)


def _joint(joint: JointAblation, thresholds: Thresholds) -> tuple[Fact, ...]:
    together = joint.with_backups
    taking = [each for each in joint.tried if takes_over(each, thresholds)]
    return (
        measured_fact(_("Pairs of heads replaced together"), number_text(len(joint.tried))),
        measured_fact(
            _(
                "Pairs that together lose more than the sum of what each loses alone, by at least "
                "{threshold} with an interval above zero",
                threshold=percent_text(thresholds.head_effect),
            ),
            listed(map(_pair, taking)),
        ),
        measured_fact(_("Heads that take over"), listed(joint.backups)),
        measured_fact(
            _("Share lost on the test pairs without the circuit and them"),
            absent_text(together)
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
        "{head} for {primary}: {gain}",
        head=tried.head,
        primary=tried.primary,
        gain=percent_interval_text(tried.gain),
    )


def _random_sets(sets: RandomSets) -> tuple[Fact, ...]:
    shares = sorted(sets.shares)
    return (
        measured_fact(
            _("Other sets"),
            _("{n}, each with as many heads as the circuit and none of them", n=len(shares)),
        ),
        measured_fact(
            _("Share lost without each set, mean over the pairs: least, middle, most"),
            f"{percent_text(shares[0])}, {percent_text(shares[len(shares) // 2])}, "
            f"{percent_text(shares[-1])}",
        ),
        measured_fact(
            _("Share lost without the circuit on the same pairs"), percent_text(sets.circuit)
        ),
        measured_fact(
            _("Sets without which at least as much is lost"),
            number_text(sets.at_least),
        ),
        measured_fact(
            _("p-value: share of such sets, with one added to both counts"),
            decimal_text(sets.p_value),
        ),
    )


def _constant_role(role: ConstantRole) -> tuple[Fact, ...]:
    together = role.with_circuit
    return (
        measured_fact(_("Heads replaced by their average output"), number_text(len(role.patched))),
        measured_fact(
            _("Those whose effect reaches the threshold of a circuit head"), listed(role.heads)
        ),
        measured_fact(
            _("Share that the circuit and they carry on the test pairs, under mean ablation"),
            absent_text(together)
            if isinstance(together, NotAssessed)
            else percent_interval_text(together.share),
        ),
    )


def cost_facts(forwards: Forwards) -> tuple[Fact, ...]:
    """How often the model was run, for which purpose."""
    return (
        measured_fact(_("To attribute effects"), number_text(forwards.attribution)),
        measured_fact(_("To find the circuit"), number_text(forwards.search)),
        measured_fact(_("To check the circuit"), number_text(forwards.checks)),
        measured_fact(_("To replace latents alone"), number_text(forwards.latents)),
        measured_fact(_("To patch direct paths"), number_text(forwards.paths)),
    )
