"""A task's full specification: its own settings, then the policy's, then the standard ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from auditkit.policy.settings import Settings
from auditkit.prompts.kinds import METRICS
from auditkit.records.base import Record
from auditkit.records.specification import (
    AutoencoderSettings,
    BootstrapSettings,
    Metric,
    PatchingRule,
    Specification,
    Thresholds,
)

STANDARD = Specification(
    kind="next_token",
    pooling="mean",
    method="attributed-codes",
    attribution="halfway",
    attribution_steps=5,
    metric="logit_difference",
    seed=0,
    examples=10,
    test_examples=40,
    ablations=("resample", "mean"),
    autoencoder=AutoencoderSettings(
        latents=32, k=4, steps=60, batch=128, learning_rate=Decimal("0.01"), seeds=5
    ),
    thresholds=Thresholds(
        tau=Decimal("0.05"),
        quorum=Decimal("0.6"),
        head_effect=Decimal("0.05"),
        sufficiency=Decimal("0.8"),
        necessity=Decimal("0.5"),
        min_accuracy=Decimal("0.9"),
        tolerance=Decimal("0.1"),
    ),
    patching=PatchingRule(
        patience=Decimal("0.025"), sample=Decimal("0.025"), completion=4, backups=2
    ),
    bootstrap=BootstrapSettings(resamples=1000, level=Decimal("0.95")),
    null_level=Decimal("0.05"),
    stability_draws=100,
    random_sets=100,
    defaulted=(),
)
"""What a policy that sets nothing gets. A generator brings its own metric."""

_POLICY_KEYS = {"ablations": "ablation", "thresholds.tolerance": "tolerance"}
"""Keys of a policy that are named or placed differently in a specification."""


def specify(task: Settings, defaults: Settings, *, metric: Metric) -> Specification:
    """Everything that changes a task's result; ``metric`` stands where neither block names one.

    A similarity task has a metric of its own, which then stands instead.

    ``defaulted`` names what neither the task nor the policy's ``defaults`` wrote, by the
    specification's own names (``thresholds.tau``, ``ablations``).
    """
    if (task.kind or defaults.kind) == "similarity":
        (metric,) = METRICS["similarity"]
    merging = _Merging((task, defaults))
    values = merging.block("", STANDARD.model_copy(update={"metric": metric}))
    return Specification(**values, defaulted=tuple(merging.defaulted))


class _Merging:
    """Looks each key up in the written settings, the nearest first, and notes what is in none."""

    def __init__(self, written: tuple[Settings, ...]) -> None:
        self._written = written
        self.defaulted: list[str] = []

    def block(self, prefix: str, standard: Record) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in standard:
            key = prefix + name
            if isinstance(value, Record):
                values[name] = type(value)(**self.block(f"{key}.", value))
            elif key != "defaulted":
                values[name] = self._choose(key, value)
        return values

    def _choose(self, key: str, standard: object) -> object:
        for settings in self._written:
            found = _lookup(settings, _POLICY_KEYS.get(key, key))
            if found is not None:
                return found
        self.defaulted.append(key)
        return standard


def _lookup(settings: object, key: str) -> object:
    for name in key.split("."):
        settings = getattr(settings, name, None)
    return settings
