"""Everything that changes a task's result, in one place, and which of it the policy left to default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import AtLeastOne, Count, Measure, Record

Method = Literal["attributed-codes", "unique-codes"]
Attribution = Literal["single", "halfway", "input_ig"]
Metric = Literal["logit_difference", "probability_difference", "cosine_difference"]
TaskKind = Literal["next_token", "masked_token", "classification", "similarity"]
Pooling = Literal["mean", "first", "last"]
Ablation = Literal["resample", "mean"]


class AutoencoderSettings(Record):
    """One TopK sparse autoencoder per head (Gao et al., arXiv:2406.04093).

    ``latents`` per head, ``k`` active per vector, ``steps`` of ``batch`` vectors with Adam at
    ``learning_rate``. ``seeds`` is how many seeds the envelope over codes trains them with, the
    specification's first; with 1 there is no envelope.
    """

    latents: AtLeastOne
    k: AtLeastOne
    steps: AtLeastOne
    batch: AtLeastOne
    learning_rate: Measure
    seeds: AtLeastOne


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

    tau: Measure
    quorum: Measure
    head_effect: Measure
    sufficiency: Measure
    necessity: Measure
    min_accuracy: Measure
    tolerance: Measure


class PatchingRule(Record):
    """How far exact single-head patching goes down the ranking.

    Every head whose whole-head code is in the signature is patched; then the others in rank order,
    until ``patience`` in a row do not reach ``head_effect``. Then ``sample`` heads drawn at random from the
    rest are patched; if one of those reaches the threshold, the ranking is followed further. Patience
    and sample are shares of the model's heads, patience rounded up and sample down: of few heads, one
    more says next to nothing that the sufficiency of those found does not. ``completion``: the most
    heads that may be restored with those found when they do not carry the effect by themselves; 0
    leaves that out.
    ``backups``: the most heads tried as a backup of each circuit head; 0 leaves that out.
    """

    patience: Measure
    sample: Measure
    completion: Count
    backups: Count


class BootstrapSettings(Record):
    """Percentile bootstrap over examples: number of resamples, and nominal coverage of intervals."""

    resamples: AtLeastOne
    level: Measure


class Specification(Record):
    """The full specification of one task's audit. ``defaulted`` names the keys the policy left out.

    ``kind`` is what the model is asked for: the token that comes next, the token at a mask, a label, or a
    text that is close; ``pooling`` is how a text becomes one vector, for ``similarity`` only.
    ``method`` is how heads are looked for: ``attributed-codes`` ranks and patches them,
    ``unique-codes`` is the published method and only observes.
    ``attribution`` is the slope screening uses: the gradient at the positive (``single``), that and the
    gradient with the layer's heads half replaced (``halfway``), or the mean gradient over
    ``attribution_steps`` points along the input (``input_ig``, the only one the steps are for).
    ``null_level`` is the false discovery rate at which the label-swap null separates heads.
    ``stability_draws`` is how often the discovery examples are drawn again. ``random_sets`` is how many
    random sets of heads the circuit is measured against; 0 leaves that out.
    """

    kind: TaskKind
    pooling: Pooling
    method: Method
    attribution: Attribution
    attribution_steps: AtLeastOne
    metric: Metric
    seed: Annotated[int, Field(ge=0)]
    examples: AtLeastOne
    test_examples: AtLeastOne
    ablations: Annotated[tuple[Ablation, ...], Field(min_length=1)]
    autoencoder: AutoencoderSettings
    thresholds: Thresholds
    patching: PatchingRule
    bootstrap: BootstrapSettings
    null_level: Measure
    stability_draws: Annotated[int, Field(ge=2)]
    random_sets: Count
    defaulted: tuple[str, ...]
