"""What the causal check measured beside each head's effect: one short list of facts per question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auditkit.circuit import takes_over
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
    OBSERVATIONS,
    decimal_text,
    interval_text,
    listed,
    percent_interval_text,
    percent_text,
)


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
            "Effect of all heads together",
            "What replacing every head takes away, which all shares are shares of",
            _effect(task.effect),
        )
    if not isinstance(task.causal, Causal):
        return
    causal, thresholds = task.causal, task.specification.thresholds
    yield CheckView(
        "Whether the heads found carry the effect",
        "On the discovery pairs, with every other head replaced",
        _completion(causal.completion),
    )
    if isinstance(causal.minimality, Minimality):
        yield CheckView(
            "Whether a smaller circuit would do",
            "Each circuit head left out in turn, with every head outside the circuit replaced",
            _minimality(causal.minimality),
        )
    if isinstance(causal.joint_ablation, JointAblation):
        yield CheckView(
            "Heads that take over",
            "Pairs of a circuit head and a head outside the circuit, replaced together",
            _joint(causal.joint_ablation, thresholds),
        )
    if isinstance(causal.random_sets, RandomSets):
        yield CheckView(
            "Random sets of heads as a yardstick",
            "What removing random heads loses",
            _random_sets(causal.random_sets),
        )
    if isinstance(causal.constant_role, ConstantRole):
        yield CheckView(
            "Heads with a constant role",
            "What resampling cannot show",
            _constant_role(causal.constant_role),
        )


def _effect(effect: HeadsEffect) -> tuple[Fact, ...]:
    patterns = "all patterns" if effect.exact else "random patterns"
    return (
        *(
            measured(
                f"Mean drop of the metric, {each.pairs} pairs, {each.ablation} ablation",
                interval_text(each.drop),
            )
            for each in effect.measured
        ),
        measured(
            "p-value of the first",
            f"{decimal_text(effect.p_value)}, from {effect.swaps:,} {patterns} of swapped labels",
        ),
        measured("Effect of heads", OBSERVATIONS[effect.state]),
    )


def _completion(completion: Completion) -> tuple[Fact, ...]:
    alone, completed = completion.alone, completion.completed
    return (
        measured(
            "Share that the heads found one by one carry",
            f"{percent_interval_text(alone.share)}: {OBSERVATIONS[alone.state]}",
        ),
        measured(
            "Heads that complete them, and what is lost without each",
            _named((each.head, each.effect) for each in completion.heads),
        ),
        measured(
            "Share that all of them carry",
            f"not assessed. {completed.reason}"
            if isinstance(completed, NotAssessed)
            else f"{percent_interval_text(completed.share)}: {OBSERVATIONS[completed.state]}",
        ),
    )


def _minimality(minimality: Minimality) -> tuple[Fact, ...]:
    return (
        measured(
            f"Lost without each head, {minimality.ablation} ablation",
            _named((each.head, each.loss) for each in minimality.left_out),
        ),
        measured("Heads the circuit does not surely miss", listed(minimality.dispensable)),
    )


def _named(heads: Iterable[tuple[str, Interval]]) -> str:
    return listed(f"{head} {percent_interval_text(share)}" for head, share in heads)


def _joint(joint: JointAblation, thresholds: Thresholds) -> tuple[Fact, ...]:
    together = joint.with_backups
    taking = [each for each in joint.tried if takes_over(each, thresholds)]
    return (
        measured("Pairs of heads replaced together", f"{len(joint.tried):,}"),
        measured("Lost more together than apart, at the threshold", listed(map(_pair, taking))),
        measured("Heads that take over", listed(joint.backups)),
        measured(
            "Share lost without the circuit and them",
            f"not assessed. {together.reason}"
            if isinstance(together, NotAssessed)
            else listed(
                f"{percent_interval_text(each.share)} under {each.ablation} ablation"
                for each in together
            ),
        ),
    )


def _pair(tried: Backup) -> str:
    return f"{tried.head} for {tried.primary} {percent_interval_text(tried.gain)}"


def _random_sets(sets: RandomSets) -> tuple[Fact, ...]:
    shares = sorted(sets.shares)
    return (
        measured("Random sets", f"{len(shares):,}, as many heads in each layer as the circuit"),
        measured(
            "Share they lose: least, middle, most",
            f"{percent_text(shares[0])}, {percent_text(shares[len(shares) // 2])}, "
            f"{percent_text(shares[-1])}",
        ),
        measured("Sets that lose as much as the circuit", f"{sets.at_least:,}"),
        measured("p-value", decimal_text(sets.p_value)),
    )


def _constant_role(role: ConstantRole) -> tuple[Fact, ...]:
    together = role.with_circuit
    return (
        measured("Heads outside the circuit replaced by their average", f"{len(role.patched):,}"),
        measured("Missed, at the threshold of the circuit", listed(role.heads)),
        measured(
            "Share the circuit keeps together with them, under mean ablation",
            f"not assessed. {together.reason}"
            if isinstance(together, NotAssessed)
            else percent_interval_text(together.share),
        ),
    )


def cost_facts(forwards: Forwards) -> tuple[Fact, ...]:
    """How often the model was run, for which purpose."""
    return (
        measured("To attribute effects", f"{forwards.attribution:,}"),
        measured("To find the circuit", f"{forwards.search:,}"),
        measured("To check it", f"{forwards.checks:,}"),
    )
