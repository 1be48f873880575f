"""Why a verdict is inconclusive: each cause by its code, with what a reader can do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from auditkit.circuits.circuit import belonging
from auditkit.circuits.methods import method_of
from auditkit.judging.verdict import confirmed
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.causal import Causal
from auditkit.records.declared import Expectation
from auditkit.records.looks import Ruling
from auditkit.records.signature import SignatureCheck
from auditkit.records.task import TaskRecord

Cause = Literal[
    "behaviour_open",
    "method_observes",
    "other_weights",
    "no_effect_of_heads",
    "effect_not_sure",
    "heads_not_replaced",
    "heads_open",
    "heads_replaceable",
    "heads_only_together",
    "signature_open",
    "no_head_found",
    "necessity_not_observed",
    "redraws_disagree",
    "declaration_cannot_fail",
    "controls_not_recovered",
]


def causes_of(task: TaskRecord, controls: CalibratedSetting | None) -> tuple[Cause, ...]:
    """Every cause for which a task's verdict is inconclusive; none for any other verdict."""
    ruling = task.behaviour_ruling
    if not isinstance(ruling, NotAssessed) and ruling.verdict == "inconclusive":
        return ("behaviour_open", *_of_mechanism(task, controls))
    return tuple(_of_mechanism(task, controls))


def _of_mechanism(task: TaskRecord, controls: CalibratedSetting | None) -> Iterator[Cause]:
    if task.mechanism != "inconclusive" or isinstance(task.expected, NotAssessed):
        return
    yield from _of_task(task, task.expected)
    yield from _of_controls(controls)


def _of_controls(controls: CalibratedSetting | None) -> Iterator[Cause]:
    if controls is None or controls.state != "observed":
        yield "controls_not_recovered"


def _of_task(task: TaskRecord, expected: Expectation) -> Iterator[Cause]:
    if not method_of(task.specification).intervenes:
        yield "method_observes"
    elif isinstance(task.causal, NotAssessed):
        yield "no_effect_of_heads"
    elif isinstance(task.ruling, NotAssessed):
        # of a record that no such rule judged, findings say what is not settled
        if task.ruling.code != "rule_not_known":
            yield "other_weights"
    elif expected.min_precision is not None:
        yield from _of_shares(task, task.causal)
    else:
        yield from _of_rule(task.ruling)
    if any(each.code == "declaration_cannot_fail" for each in task.findings):
        yield "declaration_cannot_fail"
    signature = task.causal.signature if isinstance(task.causal, Causal) else None
    if isinstance(signature, SignatureCheck) and signature.verdict == "inconclusive":
        yield "signature_open"


def _of_rule(ruling: Ruling) -> Iterator[Cause]:
    if ruling.verdict != "inconclusive":
        return
    if not ruling.effect_is_sure:
        yield "effect_not_sure"
        return
    spared = ruling.looks[-1].spared
    reasons = {
        each.head: each.pairs_needed.code if isinstance(each.pairs_needed, NotAssessed) else ""
        for each in ruling.open
    }
    if "never_patched" in reasons.values():
        yield "heads_not_replaced"
    if any(code != "never_patched" and head not in spared for head, code in reasons.items()):
        yield "heads_open"
    if ruling.only_together:
        yield "heads_only_together"
    elif spared:
        yield "heads_replaceable"


def _of_shares(task: TaskRecord, causal: Causal) -> Iterator[Cause]:
    if causal.unpatched and any(each.state != "observed" for each in causal.sufficiency):
        yield "heads_not_replaced"
    if not belonging(causal.patched, task.specification.thresholds):
        yield "no_head_found"
    elif not confirmed(causal):
        yield "necessity_not_observed"
    if not isinstance(task.stability, NotAssessed) and task.stability.state == "not_observed":
        yield "redraws_disagree"
