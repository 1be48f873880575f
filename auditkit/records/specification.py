"""Everything that changes a task's result, in one place, and which of it the policy left to default.

The description of a key is what the report prints beside it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import AtLeastOne, Count, Measure, Record, Sha256

MethodName = Literal["attributed-codes", "unique-codes"]
Attribution = Literal["single", "halfway", "input_ig"]
Metric = Literal["logit_difference", "probability_difference", "cosine_difference"]
TaskKind = Literal["next_token", "masked_token", "classification", "similarity"]
Pooling = Literal["mean", "first", "last"]
Ablation = Literal["resample", "mean"]

MOST_RESAMPLES = 20_000
"""More of them move the ends of a 95 % interval by less than pairs drawn again do."""
MOST_DRAWS = 10_000
MOST_IN_A_SET = 1000
"""What a record may ask of whoever recomputes it, redraws and pairs; a policy may ask for no more."""


_Pairs = Annotated[int, Field(ge=1, le=MOST_IN_A_SET)]


class AutoencoderSettings(Record):
    """One TopK sparse autoencoder per head (Gao et al., arXiv:2406.04093).

    ``latents`` per head, ``k`` active per vector, ``steps`` of ``batch`` vectors with Adam at
    ``learning_rate``. ``seeds`` is how many seeds the envelope over codes trains them with, the
    specification's first; with 1 there is no envelope. ``dictionary`` is the digest of the file that the
    policy names instead: then nothing is trained, steps, batch and rate are 0, and codes are those of the
    file.
    """

    latents: AtLeastOne = Field(description="Latents per head")
    k: AtLeastOne = Field(description="Latents active per vector")
    steps: Count = Field(description="Training steps")
    batch: Count = Field(description="Vectors per training step")
    learning_rate: Measure = Field(description="Learning rate")
    seeds: AtLeastOne = Field(description="Seeds of the envelope over codes")
    dictionary: Sha256 | None = Field(
        description="Digest of the trained autoencoders that are used"
    )


class Thresholds(Record):
    """What a result is judged by. All are shares between 0 and 1.

    ``tau``: a latent's, or a whole head's, attributed effect on one example becomes a code above this
    share of the task effect. ``quorum``: a code joins the signature when at least this share of the
    discovery examples carries it. ``head_effect``: a head belongs to the circuit when patching it
    alone moves the task effect by at least this share. ``sufficiency``: the circuit alone must carry
    at least this share, and at most its mirror (2 - sufficiency). ``necessity``: removing the circuit
    must remove at least this share. ``min_accuracy``: below it the model does not do the task.
    ``tolerance``: the share of redrawn example sets that may disagree before a verdict is inconclusive.
    """

    tau: Measure = Field(description="Least share of the task effect for a code")
    quorum: Measure = Field(description="Least share of examples that carry a code")
    head_effect: Measure = Field(description="Least effect for a head to belong to the circuit")
    sufficiency: Measure = Field(description="Least share the circuit alone keeps")
    necessity: Measure = Field(description="Least share lost without the circuit")
    min_accuracy: Measure = Field(description="Least accuracy for the task to count as done")
    tolerance: Measure = Field(description="Share of redrawn example sets that may disagree")


class PatchingRule(Record):
    """How far exact single-head patching goes.

    Every head is patched on the first pairs where that takes at most ``budget`` patched prompts; the budget
    also bounds the pairs after those. Beyond it, every head whose whole-head code is in the signature is
    patched; then the others in rank order, until ``patience`` in a row do not reach ``head_effect``. Then
    ``sample`` heads drawn at random from the rest are patched; if one of those reaches the threshold, the
    ranking is followed further. Patience and sample are shares of the model's heads, and never fewer than
    five and three of them. ``completion``: the most heads that may be restored with those found when they do
    not carry the effect by themselves; 0 leaves that out. ``backups``: the most heads tried as a backup of
    each circuit head; 0 leaves that out. ``checked``: on how many pairs of a set backups, constant roles,
    heads left out, other sets of heads, latents and paths are measured; 0 for all of them. ``latents``: the
    most latents of each circuit head that are replaced alone; 0 leaves that out. ``paths``: the most pairs
    of circuit heads of which the direct path is patched; 0 leaves that out.
    """

    budget: Count = Field(description="Most prompts patched with a single head replaced")
    patience: Measure = Field(
        description="Share of all heads that have to miss the threshold in a row for patching to stop"
    )
    sample: Measure = Field(
        description="Share of all heads drawn at random from the rest, and patched"
    )
    completion: Count = Field(description="Most heads restored to complete those found one by one")
    backups: Count = Field(description="Most heads tried as a backup of each circuit head")
    checked: Count = Field(
        description="Pairs on which backups, constant roles, heads left out, other sets, latents and "
        "direct paths are measured"
    )
    latents: Count = Field(description="Most latents of each circuit head replaced alone")
    paths: Count = Field(
        description="Most pairs of circuit heads of which the direct path is patched"
    )


class BootstrapSettings(Record):
    """Percentile bootstrap over examples: number of resamples, and nominal coverage of intervals."""

    resamples: Annotated[int, Field(ge=1, le=MOST_RESAMPLES)] = Field(
        description="Resamples for each interval"
    )
    level: Measure = Field(description="Nominal coverage of each interval")


class Specification(Record):
    """The full specification of one task's audit. ``defaulted`` names the keys the policy left out.

    ``kind`` is what the model is asked for: the token that comes next, the token at a mask, a label, or a
    text that is close; ``pooling`` is how a text becomes one vector, for ``similarity`` only.
    ``method`` is how heads are looked for: ``attributed-codes`` ranks and patches them,
    ``unique-codes`` is the published method and only observes.
    ``attribution`` says which gradient ranks the heads: the one at the positive (``single``), that and the
    gradient with the layer's heads half replaced (``halfway``), or the mean gradient over
    ``attribution_steps`` points along the input (``input_ig``, the only one the steps are for).
    ``null_level`` is the false discovery rate at which the label-swap null separates heads.
    ``examples`` are the pairs of the first look, on which every part of a mechanism is found;
    ``max_examples`` bounds the pairs on which the verdict rule asks for heads that are still open.
    ``stability_draws`` is how often the pairs are drawn again. ``random_sets`` is how many other sets of
    heads the circuit is measured against; 0 leaves that out.
    """

    kind: TaskKind = Field(description="What the model is asked for")
    pooling: Pooling = Field(description="How a text becomes one vector (for similarity only)")
    method: MethodName = Field(description="How heads are looked for")
    attribution: Attribution = Field(description="Which gradients rank the heads before patching")
    attribution_steps: Annotated[int, Field(ge=1, le=100)] = Field(
        description="Points along the input (for input_ig only)"
    )
    metric: Metric = Field(description="What is compared between right and wrong answers")
    seed: Count = Field(description="Seed of every random draw")
    examples: _Pairs = Field(description="Prompt pairs to find the circuit")
    max_examples: _Pairs = Field(
        description="Most prompt pairs on which heads that are still open are replaced"
    )
    test_examples: _Pairs = Field(
        description="Other prompt pairs, to test the behaviour and the circuit"
    )
    ablations: Annotated[tuple[Ablation, ...], Field(min_length=1)] = Field(
        description="What a head's output is replaced with"
    )
    autoencoder: AutoencoderSettings
    thresholds: Thresholds
    patching: PatchingRule
    bootstrap: BootstrapSettings
    null_level: Measure = Field(description="False discovery rate of the label-swap null")
    stability_draws: Annotated[int, Field(ge=2, le=MOST_DRAWS)] = Field(
        description="Draws of the examples for the stability envelope"
    )
    random_sets: Annotated[int, Field(ge=0, le=MOST_DRAWS)] = Field(
        description="Other sets of heads the circuit is measured against"
    )
    defaulted: tuple[str, ...]
