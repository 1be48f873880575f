"""What was found about one task: behaviour, codes, causal check, circuit, comparison, verdict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import HeadId, Interval, Measure, NotAssessed, Record, Sha256
from auditkit.records.codes import CodeEnvelope, HeadFrequency, Latent, NegativeNull, TokenRoles
from auditkit.records.declared import Expectation
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import Ablation, Specification

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Verdict = Literal["consistent", "not_consistent", "inconclusive", "not_assessed"]
Chosen = Literal["ranked", "sampled", "rest", "completed"]
Observation = Literal["observed", "not_observed", "not_assessed"]


class PromptSet(Record):
    """A set of prompt pairs by digest: the SHA-256 of their canonical JSON, and how many there are.

    ``repeated`` of them have the positive prompt of an earlier one, with another matched negative.
    """

    sha256: Sha256
    n: Positive
    repeated: Count


class Examples(Record):
    """Where the prompts come from, and the two sets that never overlap.

    ``discovery`` finds the circuit; ``test`` measures behaviour, sufficiency and necessity.
    ``templates`` names the form of each discovery pair, empty for pairs from a file. ``shown`` is one
    pair for the reader to see, or the reason why none is printed.
    """

    origin: str
    templates: tuple[str, ...]
    discovery: PromptSet
    test: PromptSet
    shown: PromptPair | NotAssessed


class Behaviour(Record):
    """Whether the model does the task at all, on the test pairs.

    ``correct`` positives have a metric above 0. ``positive`` and ``negative`` are the metric's mean
    with its interval; the lists give it per test pair, in logits or in probability.
    """

    state: Literal["observed", "not_observed"]
    n: Positive
    correct: Count
    accuracy: Measure
    positive: Interval
    negative: Interval
    positive_values: tuple[Measure, ...]
    negative_values: tuple[Measure, ...]


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
    swaps: Positive
    exact: bool
    p_value: Measure
    state: Literal["observed", "not_observed"]


class ExampleCodes(Record):
    """The integer codes of one discovery example, ascending."""

    example: Count
    codes: tuple[int, ...]


class ScreenedHead(Record):
    """What screening says of one head, before any intervention.

    ``effects`` per discovery example: the head's attributed effect as a share of the task effect;
    ``attributed`` is their mean. ``support`` is the number of examples that carry the head's
    whole-head code. ``rank`` 1 is the largest: by the geometric mean of the magnitude of the mean and
    the root mean square, so that a head that acts in both directions is not lost. ``p_value`` and
    ``q_value``: see ``NullTest``.
    """

    head: HeadId
    rank: Positive
    effects: tuple[Measure, ...]
    attributed: Measure
    support: Count
    p_value: Measure
    q_value: Measure


class NullTest(Record):
    """The label-swap null: how often a head's attributed effect is as large by chance.

    Swapping positive and negative within a pair turns the sign of its effect. Each head's ``p_value``
    is the share of ``swaps`` sign patterns, all 2^n of them where ``exact``, whose mean effect is at
    least as large in magnitude; ``q_value`` corrects for the number of heads (Benjamini and Hochberg
    1995). ``separated`` heads have a q-value of at most ``level``. With fewer than ``least_examples``
    examples no head could be separated by itself, however large its effect.
    """

    swaps: Positive
    exact: bool
    level: Measure
    separated: tuple[HeadId, ...]
    least_examples: Positive


class Codes(Record):
    """The examples as sets of integers (``auditkit.codes`` gives the numbering), and their signature.

    ``stride`` is the number of codes a head owns. ``signature`` are the codes carried by at least
    ``quorum_count`` examples. ``unexplained_variance`` is the autoencoders' reconstruction error as a
    share of the variance; ``ties`` counts vectors whose k-th and next latent were equal. ``unvarying``
    heads put out the same, but for rounding, at every position of every discovery prompt: there is
    nothing in them to encode. The rest says at which positions heads act, which ``latents`` the signature
    holds, what heads show between negatives, and how the heads of the signature hold over seeds and
    thresholds.
    """

    stride: Positive
    quorum_count: Positive
    examples: tuple[ExampleCodes, ...]
    signature: tuple[int, ...]
    heads: tuple[ScreenedHead, ...]
    unexplained_variance: Measure
    ties: Count
    unvarying: tuple[HeadId, ...]
    roles: TokenRoles | NotAssessed
    latents: tuple[Latent, ...] | NotAssessed
    negatives: NegativeNull | NotAssessed
    envelope: CodeEnvelope | NotAssessed


class PatchedHead(Record):
    """One head replaced by its value on the matched negative: alone, or where ``completed`` with others.

    ``effects`` per discovery example: how much of the task effect is lost (negative: the head opposes
    the task). ``chosen``: because the head carries a code of the signature or stands next in the
    ranking (``ranked``), in the random sample of the rest (``sampled``), or because the heads found one
    by one do not carry the effect without it (``completed``: the effect is then what the set loses).
    Where constant roles are looked for, ``rest`` are those tried beyond the ranking.
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
    """The yardstick for necessity: random sets with as many heads in each layer as the circuit.

    ``shares`` is the mean share of the task effect that each set loses, on the test pairs under the
    first ablation; ``at_least`` counts those that lose as much as the circuit. ``p_value`` is
    (1 + at_least) / (1 + number of sets).
    """

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

    ``dispensable`` heads are those without which the circuit does not lose the threshold of a circuit
    head: by themselves they do something, beside the others they may not.
    """

    ablation: Ablation
    left_out: tuple[LeftOut, ...]
    dispensable: tuple[HeadId, ...]


class Backup(Record):
    """A head outside the circuit that takes over when a circuit head, its ``primary``, is replaced.

    ``gains`` per discovery example: how much more of the task effect is lost when both are replaced
    than the sum of what each loses alone.
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


class Forwards(Record):
    """Forward passes of the model, one per prompt and variant.

    ``attribution``: the discovery pairs run once, and what the slopes need. ``search``: everything that
    decides which heads are in the circuit. ``checks``: what the circuit found does, and what it lacks.
    """

    attribution: Count
    search: Count
    checks: Count


class Causal(Record):
    """What interventions say.

    ``unpatched`` heads were ranked below the stopping point and not drawn for the sample: their single
    effects were not measured.
    """

    patched: tuple[PatchedHead, ...]
    unpatched: tuple[HeadId, ...]
    completion: Completion
    sufficiency: tuple[SetEffect, ...]
    necessity: tuple[SetEffect, ...]
    random_sets: RandomSets | NotAssessed
    minimality: Minimality | NotAssessed
    joint_ablation: JointAblation | NotAssessed
    constant_role: ConstantRole | NotAssessed
    forwards: Forwards


class Stability(Record):
    """How circuit and verdict hold when the discovery examples are drawn again (``auditkit.stability``).

    ``draws`` sets are drawn with replacement, and ``templates`` are left out one at a time.
    ``frequencies`` and ``mean_jaccard`` (overlap of pairs of circuits) are over the draws.
    ``modal_verdict`` is the most frequent verdict over draws and templates, ``modal_share`` its share;
    ``agreeing`` is the share that agrees with the verdict at the declared setting. ``observed`` when
    that is at least one less the tolerance.
    """

    draws: Positive
    templates: Positive | NotAssessed
    frequencies: tuple[HeadFrequency, ...]
    mean_jaccard: Measure
    modal_verdict: Verdict
    modal_share: Measure
    agreeing: Measure
    state: Literal["observed", "not_observed"]


class Edge(Record):
    """Two signature heads, the earlier layer first, and how often the discovery examples carry both.

    ``p_value`` is the hypergeometric chance of at least ``together`` joint appearances given how often
    each appears; ``q_value`` corrects for the number of pairs (Benjamini and Hochberg 1995).
    """

    source: HeadId
    target: HeadId
    together: Count
    p_value: Measure
    q_value: Measure


class Circuit(Record):
    """The heads whose effect, alone or completing the others, reaches the threshold, and their edges.

    Heads are in layer order.

    ``edges`` are those of ``pairs_tested`` that co-occur beyond chance (q at most 0.05).
    """

    heads: tuple[HeadId, ...]
    edges: tuple[Edge, ...]
    pairs_tested: Count


class Comparison(Record):
    """The circuit found against the circuit declared. Shares are undefined for an empty circuit."""

    matched: tuple[HeadId, ...]
    missing: tuple[HeadId, ...]
    extra: tuple[HeadId, ...]
    precision: Measure | NotAssessed
    recall: Measure


class Finding(Record):
    """One sentence for the reader. ``code`` is stable; ``level`` says how much it weighs."""

    code: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    level: Literal["note", "warning", "failure"]
    text: str


class Ladder(Record):
    """The ladder of claims, each stated by itself: does it, separates it, causes it, holds."""

    behaviour: Observation
    association: Observation
    causal: Observation
    stable: Observation


class TaskRecord(Record):
    """One task, from what was specified to what was found."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    title: str
    evidence_for: tuple[str, ...]
    specification: Specification
    examples: Examples
    behaviour: Behaviour
    effect: HeadsEffect | NotAssessed
    codes: Codes | NotAssessed
    null: NullTest | NotAssessed
    causal: Causal | NotAssessed
    circuit: Circuit | NotAssessed
    stability: Stability | NotAssessed
    expected: Expectation | NotAssessed
    comparison: Comparison | NotAssessed
    ladder: Ladder
    findings: tuple[Finding, ...]
    verdict: Verdict
