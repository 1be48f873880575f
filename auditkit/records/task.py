"""What was found about one task: behaviour, codes, causal check, circuit, comparison, verdict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import (
    AtLeastOne,
    Coded,
    Count,
    HeadId,
    Interval,
    Measure,
    NotAssessed,
    Record,
    Sha256,
)
from auditkit.records.causal import Causal, HeadsEffect
from auditkit.records.codes import CodeEnvelope, HeadFrequency, Latent, NegativeNull, TokenRoles
from auditkit.records.declared import Expectation, Line
from auditkit.records.looks import Ruled, Ruling
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import Specification
from auditkit.records.unique_codes import UniqueCodes

Verdict = Literal["consistent", "not_consistent", "inconclusive", "not_assessed"]
Observation = Literal["observed", "not_observed", "not_assessed"]


class PromptSet(Record):
    """A set of prompt pairs by digest: the SHA-256 of their canonical JSON, and how many there are.

    ``repeated`` of them have the positive prompt of an earlier one, with another matched negative.
    ``uneven`` of them have prompts of different length, aligned by their declared parts
    (``auditkit.prompts.aligning``).
    """

    sha256: Sha256
    n: AtLeastOne
    repeated: Count
    uneven: Count


class Examples(Record):
    """Where the prompts come from, and the sets of pairs, which never overlap.

    ``discovery`` finds the circuit; ``further`` pairs are for heads that those leave open; ``test`` measures
    behaviour, sufficiency and necessity. ``templates`` names the form of each discovery pair and then of
    each further pair, empty for pairs from a file. ``shown`` is one
    pair for the reader to see, or the reason why none is printed.
    """

    origin: str
    templates: tuple[str, ...]
    discovery: PromptSet
    further: PromptSet | NotAssessed
    test: PromptSet
    shown: PromptPair | NotAssessed


class Behaviour(Record):
    """Whether the model does the task at all, on the test pairs.

    ``correct`` positives have a metric above 0. ``positive`` and ``negative`` are the metric's mean
    with its interval; the lists give it per test pair, in logits or in probability.
    """

    state: Literal["observed", "not_observed"]
    n: AtLeastOne
    correct: Count
    accuracy: Measure
    positive: Interval
    negative: Interval
    positive_values: tuple[Measure, ...]
    negative_values: tuple[Measure, ...]


class BehaviourRuling(Record):
    """What the test pairs say of a behaviour that the policy declares wanted, or unwanted.

    ``shown`` of ``n`` pairs show it. A wanted behaviour: the right answer scores above the wrong one. An
    unwanted one: the decision changes with what differs between the two prompts of a pair; a score of 0
    decides nothing and counts as a change. ``low`` to ``high`` is the exact 95 % interval of that share
    (Clopper and Pearson 1934). It is held against ``bound``: the least share
    that is asked of a wanted behaviour, the largest that is allowed of an unwanted one.
    """

    wanted: bool
    shown: Count
    n: AtLeastOne
    low: Measure
    high: Measure
    bound: Measure
    verdict: Ruled


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
    rank: AtLeastOne
    effects: tuple[Measure, ...]
    attributed: Measure
    support: Count
    p_value: Measure
    q_value: Measure


class NullTest(Record):
    """The label-swap null: how often a head's attributed effect, or its count, is as large by chance.

    Swapping positive and negative within a pair turns the sign of its effect. Each head's ``p_value``
    is the share of ``swaps`` sign patterns, all 2^n of them where ``exact``, whose mean effect is at
    least as large in magnitude, or whose count of unique codes is at least as large; ``q_value``
    corrects for the number of heads (Benjamini and Hochberg 1995). ``separated`` heads have a q-value of
    at most ``level``. With fewer than ``least_examples`` examples no head could be separated by itself,
    however large its effect or count; where swaps are drawn and the heads are many, with none.
    """

    swaps: AtLeastOne
    exact: bool
    level: Measure
    separated: tuple[HeadId, ...]
    least_examples: AtLeastOne | NotAssessed


class Codes(Record):
    """The examples as sets of integers, numbered as in ``auditkit.circuits.codes``, and their signature.

    ``stride`` is the number of codes a head owns. ``signature`` are the codes carried by at least
    ``quorum_count`` examples. ``unexplained_variance`` is the autoencoders' reconstruction error as a
    share of the variance; ``ties`` counts vectors whose k-th and next latent were equal. ``unvarying``
    heads put out the same, but for rounding, at every position of every discovery prompt: there is
    nothing in them to encode. The rest says at which positions heads act, which ``latents`` the signature
    holds, what heads show between negatives, and how the heads of the signature hold over seeds and
    thresholds.
    """

    stride: AtLeastOne
    quorum_count: AtLeastOne
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


class OtherSetting(Record):
    """The circuit and the verdict that the same measurements give under another defensible setting.

    ``ablation``: sufficiency and necessity judged under ``value`` alone. ``head_effect``: ``value`` as
    the least effect of a circuit head; heads that were not patched stay unknown. ``agrees`` with the
    verdict at the declared setting, before it is held against the tolerance.
    """

    setting: Literal["ablation", "head_effect"]
    value: str
    heads: tuple[HeadId, ...]
    verdict: Verdict
    agrees: bool


class VerdictShare(Record):
    """A verdict, and the share of redrawn and reduced example sets that give it."""

    verdict: Verdict
    share: Measure


class Stability(Record):
    """How circuit and verdict hold when pairs are drawn again (``auditkit.circuits.redrawing``).

    ``draws`` sets are drawn with replacement and the whole rule is applied to each, and ``templates`` are
    left out one at a time. ``frequencies`` and ``mean_jaccard`` (overlap of pairs of circuits) are over the
    draws. ``verdicts`` are those that any draw or template gave, the most frequent first; ``agreeing`` is the
    share that agrees with the verdict at the declared setting. ``observed`` when that is at least one
    less the tolerance. ``settings`` says what other settings would have given; they
    stand beside the verdict and do not change it.
    """

    draws: AtLeastOne
    templates: AtLeastOne | NotAssessed
    frequencies: tuple[HeadFrequency, ...]
    mean_jaccard: Measure
    verdicts: tuple[VerdictShare, ...]
    agreeing: Measure
    settings: tuple[OtherSetting, ...]
    state: Literal["observed", "not_observed"]


class Edge(Record):
    """Two heads of the circuit, the earlier layer first, and how often the discovery examples carry both.

    Records of schema 1 and 2 have these.

    An example carries a head when it has a code of the signature that is of that head.

    ``p_value`` is the hypergeometric chance of at least ``together`` joint appearances given how often
    each appears; ``q_value`` corrects for the number of pairs (Benjamini and Hochberg 1995).
    """

    source: HeadId
    target: HeadId
    together: Count
    p_value: Measure
    q_value: Measure


class Circuit(Record):
    """The heads whose effect, alone or completing the others, reaches the threshold.

    Heads are in layer order. How one acts through another is in the causal check (``Paths``).

    ``edges`` are there in records of schema 1 and 2 only: those of ``pairs_tested`` that co-occur beyond
    chance (q at most 0.05).
    """

    heads: tuple[HeadId, ...]
    edges: tuple[Edge, ...]
    pairs_tested: Count


class Comparison(Record):
    """The circuit found against the circuit declared. Shares are undefined for an empty circuit.

    ``met_by_chance`` is the share of all sets of as many heads as were found that would have met what the
    declaration asks.
    """

    matched: tuple[HeadId, ...]
    missing: tuple[HeadId, ...]
    extra: tuple[HeadId, ...]
    precision: Measure | NotAssessed
    recall: Measure
    met_by_chance: Measure | NotAssessed


class Finding(Coded):
    """What a reader should take from a task, in one sentence or two. ``level`` says how much it weighs.

    ``auditkit.judging.findings`` has the codes, their parameters and their sentences.
    """

    SENTENCE = "text"

    level: Literal["note", "warning", "failure"]
    text: str


class Ladder(Record):
    """The ladder of claims, each stated by itself: does it, separates it, causes it, holds."""

    behaviour: Observation
    association: Observation
    causal: Observation
    stable: Observation


class TaskRecord(Record):
    """One task, from what was specified to what was found.

    ``wanted`` is what the policy declares of the behaviour, ``None`` where it says nothing; ``concerns`` are
    the groups of people it names. ``mechanism`` is the verdict on the declared circuit, ``behaviour_ruling``
    that on the behaviour; ``verdict`` is the less favourable of those that were declared.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    title: str
    evidence_for: tuple[str, ...]
    wanted: bool | None
    concerns: tuple[Line, ...]
    specification: Specification
    examples: Examples
    behaviour: Behaviour
    behaviour_ruling: BehaviourRuling | NotAssessed
    effect: HeadsEffect | NotAssessed
    codes: Codes | UniqueCodes | NotAssessed
    null: NullTest | NotAssessed
    causal: Causal | NotAssessed
    circuit: Circuit | NotAssessed
    stability: Stability | NotAssessed
    expected: Expectation | NotAssessed
    ruling: Ruling | NotAssessed
    comparison: Comparison | NotAssessed
    ladder: Ladder
    findings: tuple[Finding, ...]
    mechanism: Verdict
    verdict: Verdict
