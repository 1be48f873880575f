"""The audit, from a policy to a record. The README's "How it works" numbers the same stages.

Each stage takes and returns frozen values. What a stage decides is decided in its own module; this
page only says in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditkit.activations import Captured, MeanOutputs, batches_of, capture, in_order
from auditkit.attribution import against_means, attribute
from auditkit.causal import (
    Intervention,
    constant_role,
    patch_heads,
    random_sets,
    set_effects,
)
from auditkit.circuit import circuit_of
from auditkit.codes import (
    CodeSpace,
    by_size,
    discretise,
    quorum_count,
    ranking,
    recorded_effects,
    screened_heads,
    signature,
)
from auditkit.conclusions import concluded
from auditkit.controls.calibrating import N_CONTROLS, calibrate_by
from auditkit.controls.outcomes import distinct
from auditkit.law import load_law
from auditkit.limitations import limitations_of
from auditkit.model.loading import environment, load_subject
from auditkit.model.subject import Subject
from auditkit.policy import HubModel, LoadedPolicy, PolicyTask
from auditkit.policy.prompting import prepare_task
from auditkit.progress import Advance, NoProgress, Progress
from auditkit.prompts.pairs import ResolvedPair
from auditkit.prompts.preparing import PreparedPrompts
from auditkit.provenance import tool
from auditkit.records.audit import (
    AuditRecord,
    LegalRegisterReference,
    Operator,
    PolicyReference,
    Times,
)
from auditkit.records.base import NotAssessed, measured
from auditkit.records.calibration import Calibration
from auditkit.records.specification import Specification
from auditkit.records.task import Behaviour, Causal, Circuit, Codes, Ladder, TaskRecord
from auditkit.tokens import Tokenizer
from auditkit.verdict import NO_BEHAVIOUR, NO_EFFECT, NO_EXPECTATION, behaviour_of, overall

_NOT_YET = NotAssessed(reason="This version of auditkit does not assess it.")
_NOT_CONCLUDED = NotAssessed(reason="Nothing was concluded from the measurements yet.")
_NO_LADDER = Ladder(
    behaviour="not_assessed",
    association="not_assessed",
    causal="not_assessed",
    stable="not_assessed",
)


@dataclass(frozen=True)
class Run:
    """What the command line knows about a run: who, when, under which id."""

    run_id: str
    operator: Operator
    now: Callable[[], str]


@dataclass(frozen=True)
class Mechanism:
    """What was found inside the model for one task."""

    codes: Codes
    causal: Causal
    circuit: Circuit


def audit(loaded: LoadedPolicy, folder: Path, run: Run, progress: Progress) -> AuditRecord:
    """The record of one run of a policy on the model in a folder.

    Raises:
        InputError: prompts cannot be prepared for the model's tokenizer.
        ModelError: the model cannot be loaded or run.
    """
    started = run.now()
    policy = loaded.policy
    calibration = calibrate({t.id: policy.specification(t) for t in policy.tasks}, progress)
    with progress.stage("load the model", 1) as advance:
        revision = policy.model.revision if isinstance(policy.model, HubModel) else None
        subject = load_subject(folder, revision=revision, dtype=policy.model.dtype)
        tokenizer = Tokenizer.from_folder(folder)
        advance(1)
    tasks = tuple(
        audit_task(t, loaded, subject, tokenizer, calibration, progress) for t in policy.tasks
    )
    register = load_law().legal_register
    return AuditRecord(
        schema_version="1",
        run_id=run.run_id,
        supersedes=None,
        tool=tool(),
        environment=environment(policy.model.dtype),
        policy=PolicyReference(
            sha256=loaded.sha256, declared_by=policy.declared_by, committed_at=None
        ),
        system=policy.system,
        model=subject.identity,
        calibration=calibration,
        tasks=tasks,
        verdict=overall([task.verdict for task in tasks]),
        instructions_for_use=dict(policy.instructions_for_use),
        limitations=limitations_of(tasks, committed_at=None),
        legal_register=LegalRegisterReference(
            version=register.version, read_on=register.read_on, review_by=register.review_by
        ),
        report=policy.report.settings(),
        signing_level="development",
        operator=run.operator,
        times=Times(started=started, finished=run.now()),
        checkpoint=None,
    )


def calibrate(specifications: Mapping[str, Specification], progress: Progress) -> Calibration:
    """The known-answer controls under the settings of these tasks, by the steps of ``examine``."""

    def silently(
        subject: Subject,
        discovery: Sequence[ResolvedPair],
        test: Sequence[ResolvedPair],
        specification: Specification,
    ) -> tuple[Behaviour, Mechanism | NotAssessed]:
        name = subject.identity.name
        return examine(subject, discovery, test, specification, name, NoProgress())

    total = N_CONTROLS * len(distinct(specifications))
    with progress.stage("calibrate: known-answer controls", total) as advance:
        return calibrate_by(silently, specifications, advance)


def audit_task(
    task: PolicyTask,
    loaded: LoadedPolicy,
    subject: Subject,
    tokenizer: Tokenizer,
    calibration: Calibration,
    progress: Progress,
) -> TaskRecord:
    """One task: its prompts, what is found with them, and what follows from that."""
    with progress.stage(f"{task.id}: prompts", 1) as advance:
        specification, prompts = prepare_task(loaded, task, tokenizer)
        advance(1)
    behaviour, mechanism = examine(
        subject, prompts.discovery, prompts.test, specification, task.id, progress
    )
    measured_only = assemble(task, specification, prompts, behaviour, mechanism)
    return concluded(measured_only, subject.identity.weights_digest, calibration)


def examine(
    subject: Subject,
    discovery: Sequence[ResolvedPair],
    test: Sequence[ResolvedPair],
    specification: Specification,
    name: str,
    progress: Progress,
) -> tuple[Behaviour, Mechanism | NotAssessed]:
    """Behaviour, then the mechanism if there is a behaviour: of a task or of a known-answer control."""
    with progress.stage(f"{name}: behaviour", 1) as advance:
        on_test = observe(subject, test, specification, attributed=False)
        behaviour = measure_behaviour(on_test, specification)
        advance(1)
    if behaviour.state == "not_observed":
        return behaviour, NO_BEHAVIOUR
    with progress.stage(f"{name}: activations", 1) as advance:
        observed = observe(subject, discovery, specification, attributed=True)
        advance(1)
    with progress.stage(f"{name}: patch heads", len(subject.heads)) as advance:
        return behaviour, find_mechanism(subject, observed, on_test, specification, advance)


def observe(
    subject: Subject,
    pairs: Sequence[ResolvedPair],
    specification: Specification,
    *,
    attributed: bool,
) -> tuple[Captured, ...]:
    """What the model did on these pairs, with the slopes of the attribution where they are needed."""
    return capture(
        subject,
        batches_of(pairs, specification.metric, subject.vocabulary_size),
        specification.attribution if attributed else None,
        specification.attribution_steps,
    )


def measure_behaviour(captured: tuple[Captured, ...], specification: Specification) -> Behaviour:
    """Whether the model does the task on the captured pairs."""
    batches = [item.batch for item in captured]
    positive = in_order([item.positive_metric for item in captured], batches)
    negative = in_order([item.negative_metric for item in captured], batches)
    return behaviour_of(
        [measured(value) for value in positive.tolist()],
        [measured(value) for value in negative.tolist()],
        specification,
    )


def find_mechanism(
    subject: Subject,
    discovery: tuple[Captured, ...],
    test: tuple[Captured, ...],
    specification: Specification,
    advance: Advance,
) -> Mechanism | NotAssessed:
    """Codes and the circuit from the discovery pairs; what the circuit does on the test pairs."""
    before = subject.forwards
    means = MeanOutputs.over(discovery)
    first, *_ = specification.ablations
    patching = Intervention(subject, discovery, first, means)
    on_test = [(a, Intervention(subject, test, a, means)) for a in specification.ablations]
    if not all(each.has_effect for each in (patching, *(on for _, on in on_test))):
        return NO_EFFECT
    codes, space = screen(subject, discovery, specification, patching.task_effect)
    screened = frozenset(space.head_of(code) for code in codes.signature)
    ranked = ranking({head.head: head.effects for head in codes.heads})
    patched, unpatched = patch_heads(patching, ranked, screened, specification, advance)
    circuit = circuit_of(codes, patched, specification.thresholds, space)
    sufficiency, necessity = set_effects(on_test, circuit.heads, specification)
    needed = constant_role(
        patching if first == "mean" else Intervention(subject, discovery, "mean", means),
        dict(on_test).get("mean") or Intervention(subject, test, "mean", means),
        by_size(space.head_ids, against_means(discovery, means)),
        circuit.heads,
        specification,
    )
    causal = Causal(
        task_effect=measured(patching.task_effect),
        patched=patched,
        unpatched=unpatched,
        sufficiency=sufficiency,
        necessity=necessity,
        random_sets=random_sets(on_test[0][1], circuit.heads, necessity[0], specification),
        minimality=_NOT_YET,
        joint_ablation=_NOT_YET,
        constant_role=needed,
        forwards=subject.forwards - before,
    )
    return Mechanism(codes, causal, circuit)


def screen(
    subject: Subject,
    discovery: tuple[Captured, ...],
    specification: Specification,
    task_effect: float,
) -> tuple[Codes, CodeSpace]:
    """The discovery pairs as integer codes, their signature, and every head's rank."""
    settings, thresholds = specification.autoencoder, specification.thresholds
    space = CodeSpace.of(subject.identity.layers, settings.latents)
    attribution = attribute(discovery, settings, specification.seed, task_effect)
    effects = recorded_effects(attribution.heads)
    examples = discretise(attribution.latents, effects, thresholds.tau)
    count = quorum_count(thresholds.quorum, len(examples))
    codes = Codes(
        stride=space.stride,
        quorum_count=count,
        examples=examples,
        signature=signature(examples, count, space),
        heads=screened_heads(effects, examples, space, specification.seed),
        unexplained_variance=measured(attribution.unexplained_variance),
        ties=attribution.ties,
    )
    return codes, space


def parts_of(
    mechanism: Mechanism | NotAssessed,
) -> tuple[Codes | NotAssessed, Causal | NotAssessed, Circuit | NotAssessed]:
    """Codes, causal check and circuit, each found or each not assessed for the same reason."""
    if isinstance(mechanism, NotAssessed):
        return mechanism, mechanism, mechanism
    return mechanism.codes, mechanism.causal, mechanism.circuit


def assemble(
    task: PolicyTask,
    specification: Specification,
    prompts: PreparedPrompts,
    behaviour: Behaviour,
    mechanism: Mechanism | NotAssessed,
) -> TaskRecord:
    """The task's record with its measurements; what follows from them is not concluded yet."""
    codes, causal, circuit = parts_of(mechanism)
    return TaskRecord(
        id=task.id,
        title=task.title,
        evidence_for=task.evidence_for,
        specification=specification,
        examples=prompts.examples,
        behaviour=behaviour,
        codes=codes,
        null=_NOT_CONCLUDED,
        causal=causal,
        circuit=circuit,
        stability=_NOT_CONCLUDED,
        expected=task.expected or NO_EXPECTATION,
        comparison=_NOT_CONCLUDED,
        ladder=_NO_LADDER,
        findings=(),
        verdict="not_assessed",
    )
