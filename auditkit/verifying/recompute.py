"""Recompute what a record concludes from what it measured, without a model, and say what differs.

Every derived value is computed again by the functions the engine used: signature, ranks, intervals,
circuit, comparison, ladder, findings, limitations, verdicts. What is a rule is asked of the edition that
judged the record. Statements are compared by code and values; ``sentences`` compares how they are worded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditkit.circuits.circuit import backups_of, belonging, circuit_of, grounds, layer_order
from auditkit.circuits.codes import (
    CodeSpace,
    carries_code,
    quorum_count,
    screened_heads,
    signature,
)
from auditkit.circuits.effects import (
    CARRIED_ALONE,
    EMPTY_CIRCUIT,
    NO_BACKUP,
    NO_BACKUPS_SOUGHT,
    NO_CONSTANT_HEAD,
    NO_MEAN_EFFECT,
    NO_RESAMPLED_EFFECT,
    NOT_COMPLETED,
    Claim,
    against_random,
    behaviour_of,
    effect_of,
    minimality_of,
    set_effect,
)
from auditkit.circuits.intervals import mean_interval
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
from auditkit.records.base import Interval, Measure, NotAssessed
from auditkit.records.calibration import ControlRun, NegativeControl
from auditkit.records.causal import Causal, HeadsEffect, PatchedHead, RandomSets, SetEffect
from auditkit.records.model import ModelIdentity, PinnedDigest
from auditkit.records.specification import Specification
from auditkit.records.task import Codes, Finding, PromptSet, TaskRecord
from auditkit.verifying.recompute_codes import details


def mismatches(record: AuditRecord, edition: Edition) -> tuple[str, ...]:
    """The key paths whose value is not what the recorded measurements give; empty if none."""
    found = [] if record.schema_version == edition.schema else ["editions.rules"]
    found += [f"model.{key}" for key in _model(record.model)]
    found += [f"calibration.{key}" for key in _calibration(record, edition)]
    found += [f"tasks[{t.id}].{key}" for t in record.tasks for key in _task(t, record, edition)]
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
    asked = distinct({task.id: task.specification for task in record.tasks})
    if [(each.specification, each.tasks) for each in settings] != list(asked.items()):
        yield "settings"
    for index, setting in enumerate(settings):
        key = f"settings[{index}]"
        if planned_in(setting) != edition.controls:
            yield f"{key}.models"
        for run in setting.models:
            yield from _control(f"{key}.{run.name}", run, setting.specification)
        for control in setting.negative_controls:
            yield from _control(f"{key}.{control.name}", control, setting.specification)
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
        yield from _causal(task, task.causal, space)
    if isinstance(task.codes, Codes) and isinstance(task.causal, Causal):
        expected_circuit = circuit_of(
            task.codes, grounds(task.causal), specification.thresholds, space
        )
        if task.circuit != expected_circuit:
            yield "circuit"
    yield from _conclusions(task, record, edition)


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
        if each.drop != _mean(each.drops, task) or len(each.drops) != sizes[each.pairs]:
            yield f"effect.measured[{each.pairs}, {each.ablation}]"
    if effect != effect_of(effect.measured, task.specification):
        yield "effect"


def _mean(values: tuple[Measure, ...], task: TaskRecord) -> Interval:
    return mean_interval(values, task.specification.bootstrap, task.specification.seed)


def _codes(task: TaskRecord, codes: Codes, space: CodeSpace) -> Iterator[str]:
    n = task.examples.discovery.n
    if codes.stride != space.stride:
        yield "codes.stride"
    if len(task.examples.templates) != n:
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


def _causal(task: TaskRecord, causal: Causal, space: CodeSpace) -> Iterator[str]:
    specification = task.specification
    yield from _patched("causal.patched", causal.patched, task)
    yield from _completion(task, causal)
    yield from _minimality(task, causal)
    yield from _joint_ablation(task, causal)
    yield from _constant_role(task, causal)
    yardstick = causal.random_sets
    if isinstance(yardstick, RandomSets) and (
        len(yardstick.shares) != specification.random_sets
        or yardstick != against_random(yardstick.shares, causal.necessity[0])
    ):
        yield "causal.random_sets"
    covered = sorted([*(p.head for p in causal.patched), *causal.unpatched], key=layer_order)
    if covered != list(space.head_ids):
        yield "causal.unpatched"
    claims: tuple[tuple[Claim, tuple[SetEffect, ...]], ...] = (
        ("sufficiency", causal.sufficiency),
        ("necessity", causal.necessity),
    )
    for claim, effects in claims:
        if tuple(effect.ablation for effect in effects) != specification.ablations:
            yield f"causal.{claim}"
        for effect in effects:
            if _set_differs(claim, effect, task):
                yield f"causal.{claim}[{effect.ablation}]"


def _completion(task: TaskRecord, causal: Causal) -> Iterator[str]:
    """What the heads found one by one carry, and whether that had to be completed."""
    key, completion = "causal.completion", causal.completion
    shares = [completion.alone]
    if isinstance(completion.completed, NotAssessed):
        alone = completion.alone.state == "observed"
        if completion.heads or completion.completed != (CARRIED_ALONE if alone else NOT_COMPLETED):
            yield f"{key}.completed"
    else:
        shares.append(completion.completed)
        if not completion.heads or completion.completed.state != "observed":
            yield f"{key}.completed"
    for share in shares:
        again = set_effect("sufficiency", share.ablation, share.shares, task.specification)
        first = task.specification.ablations[0]
        if share != again or share.ablation != first or _not_each_example(share.shares, task):
            yield key
    yield from _patched(f"{key}.heads", completion.heads, task)


def _not_each_example(values: tuple[Measure, ...], task: TaskRecord) -> bool:
    return len(values) != task.examples.discovery.n


def _minimality(task: TaskRecord, causal: Causal) -> Iterator[str]:
    minimality, circuit = causal.minimality, _circuit_heads(task, causal)
    if isinstance(minimality, NotAssessed):
        if circuit or minimality != EMPTY_CIRCUIT:
            yield "causal.minimality"
        return
    sound = (
        all(each.loss == _mean(each.losses, task) for each in minimality.left_out)
        and all(len(each.losses) == task.examples.test.n for each in minimality.left_out)
        and minimality.ablation == task.specification.ablations[0]
        and tuple(each.head for each in minimality.left_out) == circuit
        and minimality == minimality_of(minimality.ablation, minimality.left_out)
    )
    if not sound:
        yield "causal.minimality"


def _why_no_joint_ablation(task: TaskRecord, circuit: tuple[str, ...]) -> tuple[NotAssessed, ...]:
    """The reasons that may stand where no backups were looked for."""
    if not task.specification.patching.backups:
        return (NO_BACKUPS_SOUGHT,)
    if not circuit:
        return (EMPTY_CIRCUIT,)
    return () if task.specification.ablations[0] == "resample" else (NO_RESAMPLED_EFFECT,)


def _joint_ablation(task: TaskRecord, causal: Causal) -> Iterator[str]:
    joint, circuit = causal.joint_ablation, _circuit_heads(task, causal)
    if isinstance(joint, NotAssessed):
        if joint not in _why_no_joint_ablation(task, circuit):
            yield "causal.joint_ablation"
        return
    for each in joint.tried:
        if each.gain != _mean(each.gains, task) or _not_each_example(each.gains, task):
            yield f"causal.joint_ablation.tried[{each.primary}, {each.head}]"
        if each.primary not in circuit or each.head in circuit:
            yield f"causal.joint_ablation.tried[{each.primary}, {each.head}]"
    if joint.backups != backups_of(joint.tried, task.specification.thresholds):
        yield "causal.joint_ablation.backups"
    together = joint.with_backups
    if isinstance(together, NotAssessed):
        if joint.backups or together != NO_BACKUP:
            yield "causal.joint_ablation.with_backups"
    elif tuple(e.ablation for e in together) != task.specification.ablations or any(
        _set_differs("necessity", each, task) for each in together
    ):
        yield "causal.joint_ablation.with_backups"


def _circuit_heads(task: TaskRecord, causal: Causal) -> tuple[str, ...]:
    return belonging(grounds(causal), task.specification.thresholds)


def _patched(key: str, patched: tuple[PatchedHead, ...], task: TaskRecord) -> Iterator[str]:
    """Heads whose interval is not that of their effects, or whose effects are not one per example."""
    for each in patched:
        if each.effect != _mean(each.effects, task) or _not_each_example(each.effects, task):
            yield f"{key}[{each.head}].effect"


def _set_differs(claim: Claim, effect: SetEffect, task: TaskRecord) -> bool:
    """Whether a set's effect is not that of its shares, or its shares are not one per test pair."""
    again = set_effect(claim, effect.ablation, effect.shares, task.specification)
    return effect != again or len(effect.shares) != task.examples.test.n


def _constant_role(task: TaskRecord, causal: Causal) -> Iterator[str]:
    role = causal.constant_role
    if isinstance(role, NotAssessed):
        if role != NO_MEAN_EFFECT:
            yield "causal.constant_role"
        return
    if {each.head for each in role.patched} & set(_circuit_heads(task, causal)):
        yield "causal.constant_role.patched"
    yield from _patched("causal.constant_role.patched", role.patched, task)
    if role.heads != belonging(role.patched, task.specification.thresholds):
        yield "causal.constant_role.heads"
    if isinstance(role.with_circuit, NotAssessed):
        if role.heads or role.with_circuit != NO_CONSTANT_HEAD:
            yield "causal.constant_role.with_circuit"
    elif role.with_circuit.ablation != "mean" or _set_differs(
        "sufficiency", role.with_circuit, task
    ):
        yield "causal.constant_role.with_circuit"


def _conclusions(task: TaskRecord, record: AuditRecord, edition: Edition) -> Iterator[str]:
    measured = Measured.of(task)
    again = edition.conclude(measured, record.model.weights_digest, record.calibration)
    for key in CONCLUDED:
        recorded, computed = getattr(task, key), getattr(again, key)
        if key == "findings" and edition.schema == "1":
            recorded, computed = _without_values(recorded), _without_values(computed)
        if recorded != computed:
            yield key


def _without_values(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Findings as schema 1 has them: their values are in their sentences, which ``sentences`` compares."""
    return [(each.code, each.level) for each in findings]
