"""What a policy may set for all tasks, and for one task instead. Defaults are in parentheses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditkit.policy.written import Level, Rate, Share, Written
from auditkit.records.base import Record
from auditkit.records.specification import Ablation, Attribution, Method, Metric, Pooling, TaskKind

FEWEST_EXAMPLES = 5
"""Below it, what examples have in common cannot be told from chance."""

MOST_EXAMPLES = 200
"""More examples than this are a test set."""

UpToAMillion = Annotated[int, Field(ge=1, le=1_000_000)]


class ThresholdSettings(Record):
    """Thresholds the policy states. Each is a share between 0 and 1."""

    tau: Written[Share] = Field(
        None, description="Least share of the task effect at which a code counts (0.05)."
    )
    quorum: Written[Share] = Field(
        None, description="Least share of the examples that must carry a code (0.6)."
    )
    head_effect: Written[Share] = Field(
        None,
        description="Least share of the task effect that a circuit head accounts for (0.05).",
    )
    sufficiency: Written[Share] = Field(
        None, description="Least share of the task effect the circuit alone must carry (0.8)."
    )
    necessity: Written[Share] = Field(
        None, description="Least share of the task effect lost without the circuit (0.5)."
    )
    min_accuracy: Written[Share] = Field(
        None, description="Least accuracy at which the model does the task at all (0.9)."
    )


class AutoencoderBlock(Record):
    """Settings of the sparse autoencoders, one per head."""

    latents: Written[Annotated[int, Field(ge=1, le=65_536)]] = Field(
        None, description="Latents per head (32)."
    )
    k: Written[Annotated[int, Field(ge=1, le=65_536)]] = Field(
        None, description="Latents active per vector (4)."
    )
    steps: Written[UpToAMillion] = Field(None, description="Training steps (60).")
    batch: Written[UpToAMillion] = Field(None, description="Vectors per training step (128).")
    learning_rate: Written[Rate] = Field(None, description="Learning rate of Adam (0.01).")
    seeds: Written[Annotated[int, Field(ge=1, le=100)]] = Field(
        None, description="Seeds the envelope over codes trains with (5; 1 leaves it out)."
    )


class PatchingBlock(Record):
    """How far exact single-head patching goes."""

    patience: Written[Share] = Field(
        None,
        description="Share of all heads that must fail in a row, in rank order, to stop (0.025).",
    )
    sample: Written[Share] = Field(
        None,
        description="Share of all heads drawn at random and patched, rounded down (0.025).",
    )
    completion: Written[Annotated[int, Field(ge=0, le=64)]] = Field(
        None,
        description="Most heads restored where those found do not carry the effect (4; 0 for none).",
    )
    backups: Written[Annotated[int, Field(ge=0, le=64)]] = Field(
        None, description="Most heads tried as a backup of each circuit head (2; 0 for none)."
    )


class BootstrapBlock(Record):
    """Settings of the intervals."""

    resamples: Written[Annotated[int, Field(ge=100, le=1_000_000)]] = Field(
        None, description="Bootstrap resamples (1000)."
    )
    level: Written[Level] = Field(None, description="Nominal coverage of intervals (0.95).")


class Settings(Record):
    """What may be set for all tasks, and for one task instead. What is left out has a default."""

    kind: Written[TaskKind] = Field(
        None,
        description="What the model is asked for: next_token, masked_token (the token at [MASK]), "
        "classification (labels of a whole text or pair of texts), or similarity (cosines of "
        "embeddings) (next_token).",
    )
    pooling: Written[Pooling] = Field(
        None,
        description="How a text becomes one vector, for similarity only: the mean over its tokens, the "
        "first or the last one (mean).",
    )
    method: Written[Method] = Field(
        None,
        description="How heads are looked for: attributed-codes finds and patches a circuit; "
        "unique-codes is a published method that only observes (attributed-codes).",
    )
    attribution: Written[Attribution] = Field(
        None, description="How effects are attributed before patching (halfway)."
    )
    attribution_steps: Written[Annotated[int, Field(ge=1, le=100)]] = Field(
        None, description="Points along the input that input_ig takes gradients at (5)."
    )
    null_level: Written[Level] = Field(
        None, description="False discovery rate of the label-swap null (0.05)."
    )
    stability_draws: Written[Annotated[int, Field(ge=20, le=10_000)]] = Field(
        None, description="How often the discovery pairs are drawn again (100)."
    )
    random_sets: Written[Annotated[int, Field(ge=0, le=10_000)]] = Field(
        None, description="Random sets of heads to measure the circuit against (100; 0 for none)."
    )
    metric: Written[Metric] = Field(
        None,
        description="How answers are compared (the generator's, or logit_difference; cosine_difference for "
        "similarity).",
    )
    seed: Written[Annotated[int, Field(ge=0, le=2**32 - 1)]] = Field(
        None, description="Seed of every random choice (0)."
    )
    examples: Written[Annotated[int, Field(ge=FEWEST_EXAMPLES, le=MOST_EXAMPLES)]] = Field(
        None,
        description="Prompt pairs that find the circuit: 5 to 200 (10); at null_level 0.05 at least 6.",
    )
    test_examples: Written[Annotated[int, Field(ge=FEWEST_EXAMPLES, le=1000)]] = Field(
        None,
        description="Prompt pairs kept apart to test it (40; of a file, the rest up to 40).",
    )
    ablation: Written[Annotated[tuple[Ablation, ...], Field(min_length=1)]] = Field(
        None, description="What replaces a head that is taken out (resample and mean)."
    )
    tolerance: Written[Share] = Field(
        None, description="Share of redrawn example sets that may disagree with the verdict (0.1)."
    )
    thresholds: Written[ThresholdSettings] = Field(
        None, description="Thresholds a result is judged by."
    )
    autoencoder: Written[AutoencoderBlock] = Field(
        None, description="Settings of the sparse autoencoders."
    )
    patching: Written[PatchingBlock] = Field(None, description="How far patching goes.")
    bootstrap: Written[BootstrapBlock] = Field(None, description="How intervals are computed.")
