"""``auditkit reproduce``: run a recorded audit again on a model, and say whether the results agree."""

from __future__ import annotations

from pathlib import Path

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.names import EVIDENCE, POLICY
from auditkit.cli.surroundings import standard
from auditkit.cli.terminal import print_json, print_table, progress_shown, say
from auditkit.comparing.agreement import Agreement, agreement, another_model
from auditkit.errors import EnvironmentUnavailableError, EvidenceError, ExitCode, ModelError
from auditkit.model.holding import Held
from auditkit.policy import LoadedPolicy, parse_policy
from auditkit.policy.naming import with_dictionary
from auditkit.records.audit import AuditRecord
from auditkit.running import RunOptions, Stated, recorded
from auditkit.verifying.case import Case, read_case
from auditkit.verifying.protocol import check


def reproduce_run(
    path: Path,
    model: Path,
    files: Path | None,
    threads: int | None,
    *,
    in_place: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run a record's policy again, print what agrees and what differs, and return the exit code.

    Nothing is stored or written.
    """
    case = _verified(path)
    record = parse_evidence(case.part(EVIDENCE))
    base = files or (path if path.is_dir() else path.parent)
    loaded = parse_policy(case.part(POLICY), base / POLICY)
    _refuse_other_settings(record, loaded)
    again = _again(record, loaded, model, threads, in_place=in_place, quiet=quiet)
    result = agreement(record, again)
    if as_json:
        print_json({"run_id": record.run_id, "model": str(model), **result.as_json()})
    else:
        _print(record, result)
    return ExitCode.CONSISTENT if result.agrees else ExitCode.NOT_CONSISTENT


def _verified(path: Path) -> Case:
    """What is at the path, if it verifies: nothing can be held against evidence that does not."""
    case = read_case(path)
    result = check(case, str(path))
    if not result.intact:
        raise EvidenceError(
            f"{path}: does not verify, so there is nothing to hold a second run against",
            advice=f"auditkit verify {path} says what is wrong",
        )
    return case


def _refuse_other_settings(record: AuditRecord, loaded: LoadedPolicy) -> None:
    """Refuse a policy that this auditkit reads otherwise than the one that made the record."""
    if [task.id for task in loaded.policy.tasks] != [task.id for task in record.tasks]:
        raise EvidenceError(f"run {record.run_id}: its tasks are not those of its policy")
    for task, before in zip(loaded.policy.tasks, record.tasks, strict=True):
        one = before.specification
        # How many test pairs a prompt file gives is settled when it is read.
        other = with_dictionary(loaded.policy.specification(task), loaded.dictionary).model_copy(
            update={"test_examples": one.test_examples}
        )
        keys = [key for key in type(one).model_fields if getattr(one, key) != getattr(other, key)]
        if keys:
            raise EnvironmentUnavailableError(
                f"this auditkit reads other settings from the policy than are recorded: task {task.id}, "
                f"{', '.join(keys)}",
                advice=f"install the auditkit that made the record: {record.tool.version}, "
                f"{record.tool.source_digest}",
            )


def _again(
    record: AuditRecord,
    loaded: LoadedPolicy,
    model: Path,
    threads: int | None,
    *,
    in_place: bool,
    quiet: bool,
) -> AuditRecord:
    def accept(held: Held) -> None:
        if other := another_model(record.model.manifest, held.files.manifest):
            raise ModelError(
                f"{model}: not the model that was audited: other {', '.join(other[:5])}",
                advice="the record lists the files of the model it is about (model.manifest)",
            )

    options = RunOptions(threads=threads or record.environment.threads, in_place=in_place)
    stated = Stated(record.signing, accept=accept)
    with progress_shown(quiet=quiet) as progress:
        return recorded(loaded, options, stated, standard(), progress, model)


def _print(record: AuditRecord, result: Agreement) -> None:
    if result.conditions:
        print_table(
            f"Conditions that differ from those of run {record.run_id}",
            ["condition", "recorded", "now"],
            [[each.what, each.recorded, each.again] for each in result.conditions],
        )
    else:
        say(f"conditions: as in run {record.run_id}")
    for part in result.parts:
        differing = [each for each in part.compared if not each.agrees]
        if differing:
            print_table(
                f"{part.id}: differs",
                ["result", "recorded", "allowed", "now"],
                [[e.what, e.recorded, e.band or "the same", e.again] for e in differing],
            )
        else:
            results = "result agrees" if len(part.compared) == 1 else "results agree"
            say(f"{part.id}: {len(part.compared)} {results} within the stated band")
    if result.agrees:
        say("agrees within the stated band. That both runs measured the right thing is not shown.")
    else:
        named = "; ".join(f"{p.id}: {', '.join(p.differing)}" for p in result.parts if p.differing)
        say(f"differs: {named}")
