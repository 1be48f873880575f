"""What a policy may set for all tasks, and for one task instead, with the standard value of each.

A standard value is written here and nowhere else: ``specifying.STANDARD``, the descriptions, the JSON
Schema and docs/settings.md are made from it. docs/how-to-change.md says how a setting is added.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from auditkit.circuits.looks import MOST_PAIRS
from auditkit.policy.written import Level, Rate, Share, Written, setting
from auditkit.records.base import Record
from auditkit.records.specification import (
    MOST_DRAWS,
    MOST_IN_A_SET,
    MOST_RESAMPLES,
    Ablation,
    Attribution,
    MethodName,
    Metric,
    Pooling,
    TaskKind,
)

FEWEST_EXAMPLES = 5
"""Below it, what examples have in common cannot be told from chance."""

MOST_EXAMPLES = 200
"""More examples than this are a test set."""

UpToAMillion = Annotated[int, Field(ge=1, le=1_000_000)]


class ThresholdSettings(Record):
    """Thresholds the policy states. Each is a share between 0 and 1."""

    tau: Written[Share] = setting(
        Decimal("0.05"), "Least share of the task effect at which a code counts ({standard})."
    )
    quorum: Written[Share] = setting(
        Decimal("0.6"), "Least share of the examples that must carry a code ({standard})."
    )
    head_effect: Written[Share] = setting(
        Decimal("0.05"),
        "Least share of the task effect that a circuit head accounts for ({standard}).",
    )
    sufficiency: Written[Share] = setting(
        Decimal("0.8"), "Least share of the task effect the circuit alone must carry ({standard})."
    )
    necessity: Written[Share] = setting(
        Decimal("0.5"), "Least share of the task effect lost without the circuit ({standard})."
    )
    min_accuracy: Written[Share] = setting(
        Decimal("0.9"), "Least accuracy at which the model does the task at all ({standard})."
    )


class AutoencoderBlock(Record):
    """Settings of the sparse autoencoders, one per head."""

    latents: Written[Annotated[int, Field(ge=1, le=65_536)]] = setting(
        32, "Latents per head ({standard})."
    )
    k: Written[Annotated[int, Field(ge=1, le=65_536)]] = setting(
        4, "Latents active per vector ({standard})."
    )
    steps: Written[UpToAMillion] = setting(60, "Training steps ({standard}).")
    batch: Written[UpToAMillion] = setting(128, "Vectors per training step ({standard}).")
    learning_rate: Written[Rate] = setting(Decimal("0.01"), "Learning rate of Adam ({standard}).")
    seeds: Written[Annotated[int, Field(ge=1, le=100)]] = setting(
        5, "Seeds the envelope over codes trains with ({standard}; 1 leaves it out)."
    )


class PatchingBlock(Record):
    """How far exact single-head patching goes."""

    budget: Written[Annotated[int, Field(ge=1, le=100_000_000)]] = setting(
        40_000,
        "Most prompts run with a single head replaced; up to that, every head is ({standard}).",
    )
    patience: Written[Share] = setting(
        Decimal("0.025"),
        "Share of all heads that must fail in a row, in rank order, to stop beyond the budget "
        "({standard}; at least 5 heads).",
    )
    sample: Written[Share] = setting(
        Decimal("0.025"),
        "Share of all heads drawn at random and patched, rounded down ({standard}; at least 3 heads).",
    )
    completion: Written[Annotated[int, Field(ge=0, le=64)]] = setting(
        4, "Most heads restored where those found do not carry the effect ({standard}; 0 for none)."
    )
    backups: Written[Annotated[int, Field(ge=0, le=64)]] = setting(
        2, "Most heads tried as a backup of each circuit head ({standard}; 0 for none)."
    )
    checked: Written[Annotated[int, Field(ge=0, le=1000)]] = setting(
        8,
        "Pairs on which backups, constant roles, heads left out, other sets of heads, latents and "
        "direct paths are measured ({standard}; 0 for all).",
    )
    latents: Written[Annotated[int, Field(ge=0, le=64)]] = setting(
        8,
        "Most latents of each circuit head that are replaced alone, those to which most is attributed "
        "({standard}; 0 for none).",
    )
    paths: Written[Annotated[int, Field(ge=0, le=4096)]] = setting(
        64,
        "Most pairs of circuit heads of which the direct path is patched ({standard}; 0 for none).",
    )


class ExamplesBlock(Record):
    """How many prompt pairs find the circuit."""

    first: Written[Annotated[int, Field(ge=FEWEST_EXAMPLES, le=MOST_EXAMPLES)]] = setting(
        24,
        "Pairs on which every head is replaced ({standard}); at null_level 0.05 at least 6.",
    )
    max: Written[Annotated[int, Field(ge=FEWEST_EXAMPLES, le=MOST_PAIRS)]] = setting(
        192,
        "Most pairs on which heads that are still open are replaced ({standard}; of a file or a generator, "
        "as many as there are up to that).",
        depends=True,
    )


def _as_written(value: object) -> str:
    """Tells a number of pairs from a block of keys; the tag is no key of a policy."""
    return "by keys" if isinstance(value, dict | ExamplesBlock) else "by number"


def _one_look(value: int | ExamplesBlock | None) -> ExamplesBlock | None:
    """A bare number of pairs is as many at first and no more."""
    return ExamplesBlock(first=value, max=value) if isinstance(value, int) else value


Pairs = Annotated[
    Annotated[int, Field(ge=FEWEST_EXAMPLES, le=MOST_EXAMPLES), Tag("by number")]
    | Annotated[ExamplesBlock, Tag("by keys")],
    Discriminator(_as_written),
]


class BootstrapBlock(Record):
    """Settings of the intervals."""

    resamples: Written[Annotated[int, Field(ge=100, le=MOST_RESAMPLES)]] = setting(
        1000, "Bootstrap resamples ({standard})."
    )
    level: Written[Level] = setting(Decimal("0.95"), "Nominal coverage of intervals ({standard}).")


class Settings(Record):
    """What may be set for all tasks, and for one task instead. What is left out has a default."""

    kind: Written[TaskKind] = setting(
        "next_token",
        "What the model is asked for: next_token, masked_token (the token at [MASK]), "
        "classification (labels of a whole text or pair of texts), or similarity (cosines of "
        "embeddings) ({standard}).",
    )
    pooling: Written[Pooling] = setting(
        "mean",
        "How a text becomes one vector, for similarity only: the mean over its tokens, the "
        "first or the last one ({standard}).",
    )
    method: Written[MethodName] = setting(
        "attributed-codes",
        "How heads are looked for: attributed-codes finds and patches a circuit; "
        "unique-codes is a published method that only observes ({standard}).",
    )
    attribution: Written[Attribution] = setting(
        "halfway", "How effects are attributed before patching ({standard})."
    )
    attribution_steps: Written[Annotated[int, Field(ge=1, le=100)]] = setting(
        5, "Points along the input that input_ig takes gradients at ({standard})."
    )
    null_level: Written[Level] = setting(
        Decimal("0.05"), "False discovery rate of the label-swap null ({standard})."
    )
    stability_draws: Written[Annotated[int, Field(ge=20, le=MOST_DRAWS)]] = setting(
        100, "How often the discovery pairs are drawn again ({standard})."
    )
    random_sets: Written[Annotated[int, Field(ge=0, le=MOST_DRAWS)]] = setting(
        19, "Other sets of heads to measure the circuit against ({standard}; 0 for none)."
    )
    metric: Written[Metric] = setting(
        "logit_difference",
        "How answers are compared (the generator's, or {standard}; cosine_difference for "
        "similarity).",
        depends=True,
    )
    seed: Written[Annotated[int, Field(ge=0, le=2**32 - 1)]] = setting(
        0, "Seed of every random choice ({standard})."
    )
    examples: Annotated[Written[Pairs], AfterValidator(_one_look)] = Field(
        None,
        description="Prompt pairs that find the circuit: a number of them, or first and max.",
    )
    test_examples: Written[Annotated[int, Field(ge=FEWEST_EXAMPLES, le=MOST_IN_A_SET)]] = setting(
        40,
        "Prompt pairs kept apart to test it ({standard}; of a file, the rest up to 40).",
        depends=True,
    )
    ablation: Written[Annotated[tuple[Ablation, ...], Field(min_length=1)]] = setting(
        ("resample", "mean"), "What replaces a head that is taken out ({standard})."
    )
    tolerance: Written[Share] = setting(
        Decimal("0.1"),
        "Share of redrawn example sets that may disagree with the verdict ({standard}).",
    )
    thresholds: Written[ThresholdSettings] = Field(
        None, description="Thresholds a result is judged by."
    )
    autoencoder: Written[AutoencoderBlock] = Field(
        None, description="Settings of the sparse autoencoders."
    )
    patching: Written[PatchingBlock] = Field(None, description="How far patching goes.")
    bootstrap: Written[BootstrapBlock] = Field(None, description="How intervals are computed.")
