"""What interventions say of one task: heads replaced alone, in sets, and together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import AtLeastOne, Count, HeadId, Interval, Measure, NotAssessed, Record
from auditkit.records.latents import VerifiedLatents
from auditkit.records.looks import Drops
from auditkit.records.signature import SignatureCheck
from auditkit.records.specification import Ablation

Chosen = Literal["all", "ranked", "sampled", "rest", "completed"]


class TaskEffect(Record):
    """How far the metric drops on a prompt set when every head is replaced, in units of the metric."""

    pairs: Literal["discovery", "test"]
    ablation: Ablation
    drops: tuple[Measure, ...]
    drop: Interval


class HeadsEffect(Record):
    """Whether the heads carry the task at all, beyond what chance would show.

    ``measured`` is first the discovery pairs under the first ablation: its mean is the task effect
    that shares are shares of. Then come the test pairs under every ablation. Swapping positive and
    negative within a pair turns the sign of its drop: ``p_value`` is the share of ``swaps`` sign
    patterns, all 2^n of them where ``exact``, with which the first mean drop is as large in magnitude.
    ``observed`` when every mean drop is above 0.001 and the p-value is at most the specification's
    ``null_level``. Only then is there anything to search for, so where labels mean nothing an audit
    names a head with at most that chance.
    """

    measured: Annotated[tuple[TaskEffect, ...], Field(min_length=1)]
    swaps: AtLeastOne
    exact: bool
    p_value: Measure
    state: Literal["observed", "not_observed"]


class PatchedHead(Record):
    """One head replaced by its value on the matched negative: alone, or where ``completed`` with others.

    ``effects`` per pair: how much of the task effect is lost (negative: the head opposes the task). A head
    replaced alone has one for each pair it was replaced on, others one for each discovery pair.
    ``chosen``: because every head was (``all``), because the head's whole-head code is in the signature or
    it stands next in the ranking (``ranked``), in the random sample of the rest (``sampled``), or because
    the heads found one by one do not carry the effect without it (``completed``: the effect is then what the
    set loses). Where constant roles are looked for, ``rest`` are those tried beyond the ranking.
    """

    head: HeadId
    chosen: Chosen
    effects: tuple[Measure, ...]
    effect: Interval


class SetEffect(Record):
    """Sufficiency or necessity of the circuit under one ablation, on the test pairs.

    ``shares`` per test pair, ``share`` their mean with its interval: for sufficiency the share of the
    task effect that remains when every other head is ablated, for necessity the share that is lost
    when the circuit's heads are.
    """

    ablation: Ablation
    shares: tuple[Measure, ...]
    share: Interval
    state: Literal["observed", "not_observed"]


class RandomSets(Record):
    """The yardstick for necessity: other sets of heads, drawn at random, no set twice.

    Each has as many heads as the circuit and none of them. ``shares`` is the mean share of the task effect
    that each set loses, on test pairs under the first ablation; ``at_least`` counts those that lose as much
    as ``circuit``, which is what the circuit loses on the same pairs. ``p_value`` is (1 + at_least) / (1 +
    number of sets).
    """

    circuit: Measure
    shares: Annotated[tuple[Measure, ...], Field(min_length=1)]
    at_least: Count
    p_value: Measure


class ConstantRole(Record):
    """Heads that are needed, but not shown to tell positive from negative.

    ``patched`` are heads outside the circuit replaced, alone, by their mean output, in rank order;
    effects are shares of the task effect under mean ablation. ``heads`` are those whose effect reaches
    the circuit's threshold. ``with_circuit`` is the sufficiency of the circuit together with them.
    """

    patched: tuple[PatchedHead, ...]
    heads: tuple[HeadId, ...]
    with_circuit: SetEffect | NotAssessed


class Completion(Record):
    """Whether the heads found one by one carry the effect by themselves, and which others they need.

    On the discovery pairs, under the first ablation. ``alone`` is the share that the heads found one by
    one carry. Where that is not sufficient, heads ranked next are restored with them, and as many of
    those dropped again as can be (delta debugging: Zeller and Hildebrandt, IEEE TSE 28(2), 2002).
    ``heads`` are those that cannot be dropped, each with what the set loses without it; ``completed`` is
    the share that all of them carry, or the reason why there are none.
    """

    alone: SetEffect
    heads: tuple[PatchedHead, ...]
    completed: SetEffect | NotAssessed


class LeftOut(Record):
    """What the circuit carries less when one of its heads is replaced with all the others."""

    head: HeadId
    losses: tuple[Measure, ...]
    loss: Interval


class Minimality(Record):
    """Whether a smaller circuit would do: each head left out, on the test pairs, under one ablation.

    ``dispensable`` heads are those whose loss has an interval that includes 0: each has an effect by
    itself, and what the circuit carries is not shown to change without it. Where there are two or more, they
    are left out one after the other, the least loss first: each of ``removed`` has what is lost without it
    and all before it. The last of them is the first whose interval excludes 0, if one does.
    """

    ablation: Ablation
    left_out: tuple[LeftOut, ...]
    dispensable: tuple[HeadId, ...]
    removed: tuple[LeftOut, ...]


class Backup(Record):
    """A head outside the circuit that takes over when a circuit head, its ``primary``, is replaced.

    ``gains`` per discovery example: how much more of the task effect is lost when both are replaced, by
    their outputs on the matched negative, than the sum of what each loses alone.
    """

    head: HeadId
    primary: HeadId
    gains: tuple[Measure, ...]
    gain: Interval


class JointAblation(Record):
    """Circuit heads replaced together with heads that would take over from them.

    With each circuit head replaced, effects are attributed again, and the heads outside the circuit
    that then matter most are replaced with it: ``tried`` pairs of heads. ``backups`` are the heads
    whose gain reaches the threshold of the circuit in some pair. ``with_backups`` is the necessity of
    the circuit together with them, under every ablation.
    """

    tried: tuple[Backup, ...]
    backups: tuple[HeadId, ...]
    with_backups: tuple[SetEffect, ...] | NotAssessed


class PathEffect(Record):
    """What one circuit head does to the task through another alone: the direct path between two heads.

    With the ``source`` replaced by its output on the matched negative and every other head held at its
    output on the positive, the ``target`` puts out something else; ``effects`` per pair are what is lost
    when it puts out that, and all else runs free (path patching: Wang et al., arXiv:2211.00593).
    """

    source: HeadId
    target: HeadId
    effects: tuple[Measure, ...]
    effect: Interval


class Paths(Record):
    """Direct paths between heads of the circuit, in layer order, on the first discovery pairs.

    ``untried`` is how many pairs of heads in different layers were left out, those of the smallest effects.
    """

    tried: Annotated[tuple[PathEffect, ...], Field(min_length=1)]
    untried: Count


class Forwards(Record):
    """Forward passes of the model, one per prompt and variant.

    ``attribution``: the discovery pairs run once, and what the gradients need. ``search``: everything that
    decides which heads are in the circuit. ``checks``: what the circuit found does, and what it lacks.
    ``latents``: single latents of its heads, and those of a declared signature. ``paths``: direct paths
    between its heads.
    """

    attribution: Count
    search: Count
    checks: Count
    latents: Count
    paths: Count


class Causal(Record):
    """What interventions say.

    ``drops`` are the measurements that ``patched`` follows from. ``unpatched`` heads were ranked below the
    stopping point and not drawn for the sample: their single effects were not measured.
    """

    drops: Drops | NotAssessed
    patched: tuple[PatchedHead, ...]
    unpatched: tuple[HeadId, ...]
    completion: Completion
    sufficiency: tuple[SetEffect, ...]
    necessity: tuple[SetEffect, ...]
    random_sets: RandomSets | NotAssessed
    minimality: Minimality | NotAssessed
    joint_ablation: JointAblation | NotAssessed
    constant_role: ConstantRole | NotAssessed
    latents: VerifiedLatents | NotAssessed
    paths: Paths | NotAssessed
    signature: SignatureCheck | NotAssessed
    forwards: Forwards
