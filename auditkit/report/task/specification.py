"""Everything that changes a task's result, key by key, with what the policy left to default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from auditkit.messages import N_, _
from auditkit.records.base import Record
from auditkit.records.specification import Specification, TaskKind
from auditkit.report.task.unique_codes import UNUSED_SETTINGS
from auditkit.report.wording import decimal_text, listed

_MEANINGS: dict[str, str] = {
    "kind": N_("What the model is asked for"),
    "pooling": N_("How a text becomes one vector (for similarity only)"),
    "method": N_("How heads are looked for"),
    "attribution": N_("Which gradients rank the heads before patching"),
    "attribution_steps": N_("Points along the input (for input_ig only)"),
    "metric": N_("What is compared between right and wrong answers"),
    "seed": N_("Seed of every random draw"),
    "examples": N_("Prompt pairs to find the circuit"),
    "test_examples": N_("Other prompt pairs, to test the behaviour and the circuit"),
    "ablations": N_("What a head's output is replaced with"),
    "autoencoder.latents": N_("Latents per head"),
    "autoencoder.k": N_("Latents active per vector"),
    "autoencoder.steps": N_("Training steps"),
    "autoencoder.batch": N_("Vectors per training step"),
    "autoencoder.learning_rate": N_("Learning rate"),
    "autoencoder.seeds": N_("Seeds of the envelope over codes"),
    "thresholds.tau": N_("Least share of the task effect for a code"),
    "thresholds.quorum": N_("Least share of examples that carry a code"),
    "thresholds.head_effect": N_("Least effect for a head to belong to the circuit"),
    "thresholds.sufficiency": N_("Least share the circuit alone carries"),
    "thresholds.necessity": N_("Least share lost without the circuit"),
    "thresholds.min_accuracy": N_("Least accuracy for the task to count as done"),
    "thresholds.tolerance": N_("Share of redrawn example sets that may disagree with the verdict"),
    "patching.patience": N_(
        "Share of all heads that have to miss the threshold in a row for patching to stop"
    ),
    "patching.sample": N_("Share of all heads drawn at random from the rest, and patched"),
    "patching.completion": N_("Most heads restored to complete those found one by one"),
    "patching.backups": N_("Most heads tried as a backup of each circuit head"),
    "bootstrap.resamples": N_("Resamples for each interval"),
    "bootstrap.level": N_("Nominal coverage of each interval"),
    "stability_draws": N_("Draws of the examples for the stability envelope"),
    "random_sets": N_("Random sets of heads the circuit is measured against"),
    "null_level": N_("False discovery rate of the label-swap null"),
}


TASK_KINDS: dict[TaskKind, str] = {
    "next_token": N_(
        "next_token: the scores of tokens that may come next, read at the last position"
    ),
    "masked_token": N_("masked_token: the scores of tokens, read at the prompt's one mask"),
    "classification": N_(
        "classification: the scores of the model's labels, for a text or a pair of texts"
    ),
    "similarity": N_(
        "similarity: the cosines of a prompt's embedding with those of right and wrong texts"
    ),
}


@dataclass(frozen=True)
class SettingView:
    """One setting: its key, what it means, its value, and who chose it."""

    key: str
    meaning: str
    value: str
    origin: str


def _flat(record: Record, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, Record):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _value(value: object) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, tuple):
        return listed(str(part) for part in value)
    return str(value)


def _named(key: str, names: tuple[str, ...]) -> bool:
    """Whether a key, or the block it stands in, is among these names."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _origin(key: str, specification: Specification) -> str:
    chosen = _("default") if _named(key, specification.defaulted) else _("set in the policy")
    unused = specification.method == "unique-codes" and _named(key, UNUSED_SETTINGS)
    return _("{chosen}; not used by this method", chosen=chosen) if unused else chosen


def settings(specification: Specification) -> tuple[SettingView, ...]:
    """Every setting of a task in the record's order, and whether the policy set it."""
    return tuple(
        SettingView(
            key=key,
            meaning=_(_MEANINGS.get(key, "")),
            value=_(TASK_KINDS[specification.kind]) if key == "kind" else _value(value),
            origin=_origin(key, specification),
        )
        for key, value in _flat(specification)
        if key != "defaulted"
    )
