"""Recompute what a record concludes from what it measured, without a model, and say what differs.

Every derived value is computed again by the functions the engine used: signature, ranks, intervals,
circuit, comparison, ladder, findings, limitations, verdicts. What is a rule is asked of the edition that
judged the record. Statements are compared by code and values; ``sentences`` compares how they are worded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditkit.circuits.circuit import circuit_by_codes, circuit_of, grounds
from auditkit.circuits.codes import (
    CodeSpace,
    carries_code,
    quorum_count,
    screened_heads,
    signature,
)
from auditkit.circuits.effects import (
    behaviour_of,
    effect_of,
)
from auditkit.circuits.methods import Method, method_of
from auditkit.controls.outcomes import contradicts, distinct, misjudged, planned_in
from auditkit.judging.conclusions import CONCLUDED
from auditkit.judging.editions import Edition
from auditkit.judging.measured import Measured
from auditkit.judging.verdict import overall
from auditkit.model.fingerprint import (
    TOKENIZER_NAME,
    manifest_digest,
    root_digest,
    weights_digest,
)
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import ControlRun, NegativeControl
from auditkit.records.causal import Causal, HeadsEffect
from auditkit.records.model import ModelIdentity, PinnedDigest
from auditkit.records.specification import Specification
from auditkit.records.task import Circuit, Codes, Finding, PromptSet, TaskRecord
from auditkit.verifying.recompute_causal import causal_differences, mean_of
from auditkit.verifying.recompute_codes import details
from auditkit.verifying.recompute_stated import stated_differences


def mismatches(record: AuditRecord, edition: Edition) -> tuple[str, ...]:
    """The key paths whose value is not what the recorded measurements give; empty if none."""
    found = [] if record.schema_version == edition.schema else ["editions.rules"]
    found += [f"model.{key}" for key in _model(record.model)]
    found += [f"calibration.{key}" for key in _calibration(record, edition)]
    found += stated_differences(record)
    for task in record.tasks:
        try:
            found += [f"tasks[{task.id}].{key}" for key in _task(task, record, edition)]
        except (
            IndexError,
            KeyError,
            ValueError,
        ):  # heads that the model named beside them does not have
            found.append(f"tasks[{task.id}]")
    if record.verdict != overall([task.verdict for task in record.tasks]):
        found.append("verdict")
    if record.limitations != edition.limitations_of(record):
        found.append("limitations")
    return tuple(found)


def _model(model: ModelIdentity) -> Iterator[str]:
    """Digests that are not those of the manifest, and pins that are not the digests."""
    files = model.manifest
    if [each.path for each in files] != sorted({each.path for each in files}):
        yield "manifest"
    for key, digest in (
        ("manifest_digest", manifest_digest(files)),
        ("root_digest", root_digest(files)),
        ("weights_digest", weights_digest(files)),
    ):
        if getattr(model, key) != digest:
            yield key
    if model.tokenizer_digest not in {f.sha256 for f in files if f.path == TOKENIZER_NAME}:
        yield "tokenizer_digest"
    pins = [pin for pin in model.pinned if isinstance(pin, PinnedDigest)]
    if any(getattr(model, pin.by) != pin.value for pin in pins):
        yield "pinned"


def _calibration(record: AuditRecord, edition: Edition) -> Iterator[str]:
    """Known-answer controls that are not those of the tasks' settings, or come to something else."""
    settings = record.calibration.settings
    specifications = {task.id: task.specification for task in record.tasks}
    asked = distinct(specifications, edition.controlled)
    if [(each.specification, each.tasks) for each in settings] != list(asked.items()):
        yield "settings"
    for index, setting in enumerate(settings):
        key = f"settings[{index}]"
        if planned_in(setting) != edition.controls.get(setting.specification.kind):
            yield f"{key}.models"
        for run in setting.models:
            yield from _control(f"{key}.{run.name}", run, setting.specification)
        for control in setting.negative_controls:
            yield from _control(f"{key}.{control.name}", control, setting.specification)
        if setting.taken_from is not None and setting.taken_from >= record.run_id:
            yield f"{key}.taken_from"  # ids sort by time: no earlier run
        if misjudged(setting):
            yield f"{key}.outcomes"


def _control(
    key: str, control: ControlRun | NegativeControl, specification: Specification
) -> Iterator[str]:
    """A control's behaviour, and that nothing was reported where nobody looked."""
    seen = control.behaviour
    again = behaviour_of(seen.positive_values, seen.negative_values, specification)
    if seen != again or len(seen.positive_values) != specification.test_examples:
        yield f"{key}.behaviour"
    if contradicts(control):
        yield f"{key}.reported"


def _task(task: TaskRecord, record: AuditRecord, edition: Edition) -> Iterator[str]:
    specification = task.specification
    behaviour = task.behaviour
    if behaviour != behaviour_of(
        behaviour.positive_values, behaviour.negative_values, specification
    ):
        yield "behaviour"
    for key in ("discovery", "test"):
        prompts: PromptSet = getattr(task.examples, key)
        if prompts.repeated >= prompts.n:
            yield f"examples.{key}.repeated"
    method = method_of(specification)
    yield from _there_or_absent(task, method)
    if not isinstance(task.codes, NotAssessed | method.codes):
        yield "codes"  # of another method: nothing can be concluded from them by this one
        return
    space = CodeSpace.of(record.model.layers, specification.autoencoder.latents)
    if isinstance(task.codes, Codes):
        yield from _codes(task, task.codes, space)
    if not isinstance(task.codes, NotAssessed):
        n, seed = task.examples.discovery.n, specification.seed
        yield from method.differences(task.codes, space.head_ids, n, seed)
    if isinstance(task.causal, Causal):
        yield from causal_differences(task, task.causal, space, record.model.weights_digest)
    if (
        isinstance(task.codes, Codes)
        and isinstance(task.causal, Causal)
        and task.circuit != _circuit(task.codes, task.causal, specification, space)
    ):
        yield "circuit"
    yield from _conclusions(task, record, edition)


def _circuit(
    codes: Codes, causal: Causal, specification: Specification, space: CodeSpace
) -> Circuit:
    measurements, thresholds = grounds(causal), specification.thresholds
    if isinstance(causal.drops, NotAssessed):
        return circuit_by_codes(codes, measurements, thresholds, space)
    return circuit_of(measurements, thresholds)


def _there_or_absent(task: TaskRecord, method: Method) -> Iterator[str]:
    """Effect, codes, causal check and circuit are there, or absent for the reason that holds."""
    absent = method.absent(task.behaviour, task.effect)
    if not isinstance(task.effect, NotAssessed) and absent.effect is None:
        yield from _effect(task, task.effect)
    for key in ("effect", "codes", "causal", "circuit"):
        part, reason = getattr(task, key), getattr(absent, key)
        if isinstance(part, NotAssessed) if reason is None else part != reason:
            yield key


def _effect(task: TaskRecord, effect: HeadsEffect) -> Iterator[str]:
    """The task effect from the drops of every pair, on every prompt set and under every ablation."""
    ablations = task.specification.ablations
    places = [("discovery", ablations[0]), *(("test", ablation) for ablation in ablations)]
    if [(each.pairs, each.ablation) for each in effect.measured] != places:
        yield "effect.measured"
        return
    sizes = {"discovery": task.examples.discovery.n, "test": task.examples.test.n}
    for each in effect.measured:
        if each.drop != mean_of(each.drops, task) or len(each.drops) != sizes[each.pairs]:
            yield f"effect.measured[{each.pairs}, {each.ablation}]"
    if effect != effect_of(effect.measured, task.specification):
        yield "effect"


def _codes(task: TaskRecord, codes: Codes, space: CodeSpace) -> Iterator[str]:
    n = task.examples.discovery.n
    if codes.stride != space.stride:
        yield "codes.stride"
    further = task.examples.further
    if len(task.examples.templates) != n + (0 if isinstance(further, NotAssessed) else further.n):
        yield "examples.templates"
    if [example.example for example in codes.examples] != list(range(n)):
        yield "codes.examples"
        return
    if codes.quorum_count != quorum_count(task.specification.thresholds.quorum, n):
        yield "codes.quorum_count"
    if list(codes.unvarying) != [head for head in space.head_ids if head in codes.unvarying]:
        yield "codes.unvarying"
    limit = space.stride * len(space.head_ids)
    if any(not 0 <= code < limit for e in codes.examples for code in e.codes):
        yield "codes.examples"
        return
    if codes.signature != signature(codes.examples, codes.quorum_count, space):
        yield "codes.signature"
    yield from _screened(task, codes, space)
    yield from details(task, codes, space)


def _screened(task: TaskRecord, codes: Codes, space: CodeSpace) -> Iterator[str]:
    if tuple(head.head for head in codes.heads) != space.head_ids or any(
        len(head.effects) != len(codes.examples) for head in codes.heads
    ):
        yield "codes.heads"
        return
    effects = [head.effects for head in codes.heads]
    again = screened_heads(effects, codes.examples, space, task.specification.seed)
    for head, computed in zip(codes.heads, again, strict=True):
        if head != computed:
            yield f"codes.heads[{head.head}]"
        if carries_code(head.effects, task.specification.thresholds.tau) != [
            space.whole_head(head.head) in example.codes for example in codes.examples
        ]:
            yield f"codes.examples[{head.head}]"


def _conclusions(task: TaskRecord, record: AuditRecord, edition: Edition) -> Iterator[str]:
    measured = Measured.of(task)
    try:
        again = edition.conclude(measured, record.model.weights_digest, record.calibration)
    except ValueError:  # drops that the verdict rule asks for are not there
        yield "causal.drops"
        return
    for key in CONCLUDED:
        recorded, computed = getattr(task, key), getattr(again, key)
        if key == "findings" and edition.schema == "1":
            recorded, computed = _without_values(recorded), _without_values(computed)
        if recorded != computed:
            yield key


def _without_values(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Findings as schema 1 has them: their values are in their sentences, which ``sentences`` compares."""
    return [(each.code, each.level) for each in findings]
