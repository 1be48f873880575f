"""The audit, from a policy to a record, in these stages. docs/for-engineers.md explains each of them.

 1  Policy               policy       what is asked, of which model, and which heads are expected
 2  Model and prompts    preparing    files held and hashed, prompts made, model loaded, memory planned
 3  Calibration          controls     stages 4 to 9 on models whose circuit is known
 4  Behaviour            identifying  does the model do the task on the test pairs?
 5  Activations          identifying  what each head puts out, and how the metric depends on it
 6  Effect of the heads  identifying  does replacing every head take the task away?
 7  Codes                identifying  each discovery pair as a set of integers; the heads ranked
 8  Search               identifying  heads replaced one by one, on as many pairs as the rule asks for
 9  Causal check         identifying  what the circuit does on the test pairs
10  Conclusions          judging      null, stability, comparison, findings and verdict, by stated rules
11  Record               records      everything above as integers, decimals and text
12  Report               running      store, report, signatures, one run directory

The policy is read before this page begins, and 12 follows it. Each stage takes and returns frozen
values. What a stage decides is decided in its own module; this page only says in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from auditkit.controls.calibrating import calibrate
from auditkit.identifying.mechanism import Question, examine
from auditkit.judging.conclusions import conclude
from auditkit.judging.editions import CURRENT
from auditkit.judging.limitations import limitations_of
from auditkit.judging.measured import Measured
from auditkit.judging.ruling import declared_heads, signature_for
from auditkit.judging.verdict import NO_EXPECTATION, overall
from auditkit.law import load_law
from auditkit.model.holding import Held, hold
from auditkit.model.loading import environment
from auditkit.policy import LoadedPolicy, PolicyTask
from auditkit.preparing import Asked, Machine, load
from auditkit.progress import Progress
from auditkit.records.audit import (
    AuditRecord,
    Commitment,
    Editions,
    Environment,
    LegalRegisterReference,
    Operator,
    PolicyReference,
    Signing,
    TemplateFile,
    Times,
)
from auditkit.records.calibration import CalibratedSetting, Calibration
from auditkit.records.specification import Specification
from auditkit.records.task import TaskRecord
from auditkit.resources import page_digest, tool


@dataclass(frozen=True)
class Run:
    """What the command line knows about a run: who, when, under which id, how it is signed
    and laid out.

    ``snapshots`` is where private copies of models are made; with ``None`` the model is loaded from its
    own folder, which must then be one that nobody else can write to. ``accept`` is shown the model's files
    before anything else is done with them, and raises where they are not those that are wanted.
    ``calibrated`` gives the settings that were calibrated before in an environment.
    """

    run_id: str
    operator: Operator
    signing: Signing
    now: Callable[[], str]
    templates: tuple[TemplateFile, ...] = ()
    commitment: Commitment | None = None
    snapshots: Path | None = None
    accept: Callable[[Held], None] = lambda _: None
    calibrated: Callable[[Environment], Mapping[Specification, CalibratedSetting]] = lambda _: {}


def audit(
    loaded: LoadedPolicy, folder: Path, run: Run, machine: Machine, progress: Progress
) -> AuditRecord:
    """The record of one run of a policy on the model in a folder.

    The model is loaded and the memory planned before any long work.

    Raises:
        InputError: prompts cannot be prepared for the model's tokenizer.
        ModelError: the model cannot be loaded or run, is not the one the policy fixed, or its files
            changed meanwhile.
        EnvironmentUnavailableError: there is no room for a private copy of the model, or the memory
            budget does not hold it and one pair.
    """
    started = run.now()
    policy = loaded.policy
    with hold(folder, run.snapshots, progress) as held:
        run.accept(held)
        asked = load(loaded, held, machine, progress)  # stage 2
        # stage 3
        subject = asked.model
        here = environment(policy.model.dtype, subject.device, subject.memory, machine.budget)
        settings = {id_: each for id_, (each, _) in asked.prompts.items()}
        calibration = calibrate(settings, progress, run.calibrated(here))
        # stages 4 to 10
        tasks = tuple(audit_task(t, asked, calibration, progress) for t in policy.tasks)
        held.confirm()  # weights stay mapped to their files: a write to one reaches the model
    register = load_law().legal_register
    committed_at = None if run.commitment is None else run.commitment.timestamped_at
    # stage 11
    return AuditRecord(
        schema_version="3",
        editions=Editions(rules=CURRENT.number, page=page_digest()),
        run_id=run.run_id,
        supersedes=None,
        tool=tool(),
        environment=here,
        policy=PolicyReference(
            sha256=loaded.sha256,
            declared_by=policy.declared_by,
            committed_at=committed_at,
            commitment=run.commitment,
        ),
        system=policy.system,
        model=subject.identity,
        calibration=calibration,
        tasks=tasks,
        verdict=overall([task.verdict for task in tasks]),
        instructions_for_use=dict(policy.instructions_for_use),
        limitations=limitations_of(tasks, committed_at),
        legal_register=LegalRegisterReference(
            version=register.version, read_on=register.read_on, review_by=register.review_by
        ),
        report=policy.report.settings(run.templates),
        signing=run.signing,
        operator=run.operator,
        times=Times(started=started, finished=run.now()),
        checkpoint=None,
    )


def audit_task(
    task: PolicyTask,
    asked: Asked,
    calibration: Calibration,
    progress: Progress,
) -> TaskRecord:
    """One task: what is found with its prompts, and what follows from that."""
    specification, prompts = asked.prompts[task.id]
    subject = asked.subject(task.id)
    expected, weights = task.expected or NO_EXPECTATION, subject.identity.weights_digest
    question = Question(
        discovery=prompts.discovery,
        further=prompts.further,
        test=prompts.test,
        declared=declared_heads(expected, weights),
        signature=signature_for(expected, weights),
        dictionary=asked.dictionary,
    )
    # stages 4 to 9
    behaviour, found = examine(subject, question, specification, task.id, progress)
    measured = Measured(
        id=task.id,
        title=task.title,
        evidence_for=task.evidence_for,
        wanted=task.wanted,
        concerns=task.concerns,
        specification=specification,
        examples=prompts.examples,
        behaviour=behaviour,
        effect=found.effect,
        codes=found.codes,
        causal=found.causal,
        circuit=found.circuit,
        expected=expected,
    )
    # stage 10
    return conclude(measured, weights, calibration)
