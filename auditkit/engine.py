"""The audit, from a policy to a record. The README's "How it works" numbers the same stages.

Each stage takes and returns frozen values. What a stage decides is decided in its own module; this
page only says in which order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditkit.activations import Captured, MeanOutputs, batches_of, capture, in_order
from auditkit.attribution import against_means, attribute
from auditkit.causal import Intervention, left_out, random_sets, set_effects, task_effect
from auditkit.circuit import belonging, circuit_of, grounds
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
from auditkit.law import load_law
from auditkit.limitations import limitations_of
from auditkit.model.loading import environment, load_subject
from auditkit.model.subject import Subject
from auditkit.needed import constant_role, joint_ablation
from auditkit.policy import HubModel, LoadedPolicy, PolicyTask
from auditkit.policy.prompting import prepare_task
from auditkit.progress import Advance, Progress
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
from auditkit.records.specification import Ablation, Specification
from auditkit.records.task import (
    Behaviour,
    Causal,
    Circuit,
    Codes,
    Forwards,
    HeadsEffect,
    Ladder,
    TaskRecord,
)
from auditkit.screening_detail import Screened, in_detail
from auditkit.search import Found, search
from auditkit.tokens import Tokenizer
from auditkit.verdict import (
    NO_BEHAVIOUR,
    NO_EXPECTATION,
    behaviour_of,
    effect_of,
    overall,
    why_no_effect,
)

_NOT_YET = NotAssessed(reason="This version of auditkit does not assess it.")
_RANKED_ONLY = NotAssessed(reason="The heads were ranked and nothing more.")
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


@dataclass(frozen=True)
class Investigation:
    """Whether the heads carry a task, and the mechanism where they do."""

    effect: HeadsEffect
    mechanism: Mechanism | NotAssessed


@dataclass(frozen=True)
class Trials:
    """The model with its heads replaced: on the discovery pairs, and on the test pairs.

    ``discovery`` is under the first declared ablation, ``test`` under each; ``averaged`` are the mean
    ablations of discovery and test pairs, whichever were declared.
    """

    subject: Subject
    captured: tuple[Captured, ...]
    means: MeanOutputs
    discovery: Intervention
    test: tuple[Intervention, ...]
    averaged: tuple[Intervention, Intervention]

    @classmethod
    def of(
        cls,
        subject: Subject,
        discovery: tuple[Captured, ...],
        test: tuple[Captured, ...],
        specification: Specification,
    ) -> Trials:
        """The trials that a specification asks for."""
        means = MeanOutputs.over(discovery)

        def on(captured: tuple[Captured, ...], ablation: Ablation) -> Intervention:
            return Intervention(subject, captured, ablation, means)

        ablations = specification.ablations
        patching = on(discovery, ablations[0])
        on_test = {ablation: on(test, ablation) for ablation in ablations}
        averaged = (
            patching if ablations[0] == "mean" else on(discovery, "mean"),
            on_test.get("mean") or on(test, "mean"),
        )
        return cls(subject, discovery, means, patching, tuple(on_test.values()), averaged)


def audit(loaded: LoadedPolicy, folder: Path, run: Run, progress: Progress) -> AuditRecord:
    """The record of one run of a policy on the model in a folder.

    Raises:
        InputError: prompts cannot be prepared for the model's tokenizer.
        ModelError: the model cannot be loaded or run.
    """
    started = run.now()
    policy = loaded.policy
    with progress.stage("load the model", 1) as advance:
        revision = policy.model.revision if isinstance(policy.model, HubModel) else None
        subject = load_subject(folder, revision=revision, dtype=policy.model.dtype)
        tokenizer = Tokenizer.from_folder(folder)
        advance(1)
    tasks = tuple(audit_task(t, loaded, subject, tokenizer, progress) for t in policy.tasks)
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
        calibration=_NOT_YET,
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


def audit_task(
    task: PolicyTask,
    loaded: LoadedPolicy,
    subject: Subject,
    tokenizer: Tokenizer,
    progress: Progress,
) -> TaskRecord:
    """One task: prompts, activations, behaviour, then the mechanism if there is a behaviour."""
    with progress.stage(f"{task.id}: prompts", 1) as advance:
        specification, prompts = prepare_task(loaded, task, tokenizer)
        advance(1)
    with progress.stage(f"{task.id}: behaviour", 1) as advance:
        test = observe(subject, prompts.test, specification, attributed=False)
        behaviour = measure_behaviour(test, specification)
        advance(1)
    found: Investigation | NotAssessed = NO_BEHAVIOUR
    if behaviour.state == "observed":
        with progress.stage(f"{task.id}: patch heads", len(subject.heads)) as advance:
            found = investigate(subject, prompts.discovery, test, specification, advance)
    return conclude(task, specification, prompts, behaviour, found, subject.identity.weights_digest)


def observe(
    subject: Subject,
    pairs: tuple[ResolvedPair, ...],
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
        "discovery pair" if attributed else "test pair",
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


def investigate(
    subject: Subject,
    discovery: tuple[ResolvedPair, ...],
    test: tuple[Captured, ...],
    specification: Specification,
    advance: Advance,
) -> Investigation:
    """Whether replacing every head takes the task away beyond chance; then which heads do it, and how."""
    before = subject.forwards
    captured = observe(subject, discovery, specification, attributed=True)
    attribution = subject.forwards - before
    trials = Trials.of(subject, captured, test, specification)
    effect = effect_of(
        [
            task_effect(trials.discovery, "discovery", specification),
            *(task_effect(each, "test", specification) for each in trials.test),
        ],
        specification,
    )
    if effect.state == "not_observed":
        return Investigation(effect, why_no_effect(effect))
    return Investigation(effect, find_mechanism(trials, specification, attribution, advance))


def find_mechanism(
    trials: Trials, specification: Specification, attribution: int, advance: Advance
) -> Mechanism:
    """Codes and the circuit from the discovery pairs; what the circuit does on the test pairs.

    ``attribution`` is the number of forward passes that went into the attributed effects.
    """
    subject = trials.subject
    before = subject.forwards
    codes, screened = screen(subject, trials.captured, specification, trials.discovery.task_effect)
    space = screened.space
    found = find_circuit(codes, space, trials.discovery, specification, advance)
    causal = check(trials, found, specification, attribution, subject.forwards - before)
    circuit = circuit_of(codes, grounds(causal), specification.thresholds, space)
    detailed = in_detail(codes, circuit, screened, trials.captured, specification)
    return Mechanism(detailed, causal, circuit)


def find_circuit(
    codes: Codes,
    space: CodeSpace,
    intervention: Intervention,
    specification: Specification,
    advance: Advance,
) -> Found:
    """The search on the discovery pairs, in the order that screening gives."""
    screened = frozenset(space.head_of(code) for code in codes.signature)
    ranked = ranking({head.head: head.effects for head in codes.heads})
    return search(intervention, ranked, screened, specification, advance)


def check(
    trials: Trials, found: Found, specification: Specification, attribution: int, searched: int
) -> Causal:
    """What the circuit found does on the test pairs, and which heads beside it are needed.

    ``attribution`` and ``searched`` are the forward passes made so far.
    """
    before = trials.subject.forwards
    heads = belonging((*found.patched, *found.completion.heads), specification.thresholds)
    sufficiency, necessity = set_effects(trials.test, heads, specification)
    by_mean = by_size(
        [f"{layer}.{head}" for layer, head in trials.subject.heads],
        against_means(trials.captured, trials.means),
    )
    return Causal(
        patched=found.patched,
        unpatched=found.unpatched,
        completion=found.completion,
        sufficiency=sufficiency,
        necessity=necessity,
        random_sets=random_sets(trials.test[0], heads, necessity[0], specification),
        minimality=left_out(trials.test[0], heads, specification),
        joint_ablation=joint_ablation(
            trials.subject, trials.captured, trials.discovery, trials.test, heads, specification
        ),
        constant_role=constant_role(*trials.averaged, by_mean, heads, specification),
        forwards=Forwards(
            attribution=attribution, search=searched, checks=trials.subject.forwards - before
        ),
    )


def screen(
    subject: Subject,
    discovery: tuple[Captured, ...],
    specification: Specification,
    task_effect: float,
) -> tuple[Codes, Screened]:
    """The discovery pairs as integer codes, their signature, and every head's rank.

    All that ranking takes and no more: ``screening_detail`` looks closer once a circuit is found.
    """
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
        unvarying=tuple(itertools.compress(space.head_ids, attribution.unvarying)),
        roles=_RANKED_ONLY,
        latents=_RANKED_ONLY,
        negatives=_RANKED_ONLY,
        envelope=_RANKED_ONLY,
    )
    return codes, Screened(space, attribution, task_effect)


def parts_of(
    found: Investigation | NotAssessed,
) -> tuple[
    HeadsEffect | NotAssessed, Codes | NotAssessed, Causal | NotAssessed, Circuit | NotAssessed
]:
    """Effect, codes, causal check and circuit, each found or each not assessed with its reason."""
    if isinstance(found, NotAssessed):
        return found, found, found, found
    mechanism = found.mechanism
    if isinstance(mechanism, NotAssessed):
        return found.effect, mechanism, mechanism, mechanism
    return found.effect, mechanism.codes, mechanism.causal, mechanism.circuit


def conclude(
    task: PolicyTask,
    specification: Specification,
    prompts: PreparedPrompts,
    behaviour: Behaviour,
    found: Investigation | NotAssessed,
    weights_digest: str,
) -> TaskRecord:
    """The task's record: measurements, then everything that follows from them by stated rules."""
    effect, codes, causal, circuit = parts_of(found)
    measured_only = TaskRecord(
        id=task.id,
        title=task.title,
        evidence_for=task.evidence_for,
        specification=specification,
        examples=prompts.examples,
        behaviour=behaviour,
        effect=effect,
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
    return concluded(measured_only, weights_digest)
