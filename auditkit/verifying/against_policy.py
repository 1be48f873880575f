"""Hold a record against the policy that it names: what was declared is what was judged and printed.

A policy can be committed to and timestamped before a run. That binds nothing unless the record beside it was
made under these criteria and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditkit.bundle.names import POLICY
from auditkit.errors import EvidenceError, InputError
from auditkit.judging.editions import EDITIONS, edition_of
from auditkit.policy.loading import LoadedPolicy, parse_policy
from auditkit.policy.schema import Pins, Policy, PolicyTask
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed, Record
from auditkit.records.declared import Expectation
from auditkit.records.model import PinnedDigest, PinnedSignature
from auditkit.records.specification import Specification
from auditkit.records.task import TaskRecord
from auditkit.resources import tool
from auditkit.signing.outward import shown_address
from auditkit.verifying.outcome import NotRunError

_OF_A_TRAINING = ("latents", "k", "steps", "batch", "learning_rate", "seeds", "dictionary")


def made_under(record: AuditRecord, content: bytes) -> str:
    """That a record was made under the policy in these bytes, in words.

    Raises:
        EvidenceError: it was not, or they are no policy of this auditkit, which is said to have read it.
        NotRunError: another auditkit is said to have read the policy, and this one does not.
    """
    edition = edition_of(record)
    loaded = read_policy(content, same_build=record.tool == tool())
    known = edition is not None and edition.number == max(EDITIONS)
    if other := list(differences(record, loaded.policy, standard_known=known)):
        raise EvidenceError(f"the record was not made under this policy: {', '.join(other)}")
    return f"every key{'' if known else ' that it writes'} is as recorded"


def read_policy(content: bytes, *, same_build: bool) -> LoadedPolicy:
    """The policy beside a record. ``same_build``: this auditkit made the record, so it read the policy too.

    Raises:
        EvidenceError: no policy of this auditkit, which is said to have read it.
        NotRunError: another auditkit is said to have read it, and this one does not.
    """
    try:
        return parse_policy(content, Path(POLICY))
    except InputError as error:
        problem = f"{POLICY} is no policy that this auditkit reads: {error.problems[0]}"
        raise EvidenceError(problem) if same_build else NotRunError(problem) from error


def differences(record: AuditRecord, policy: Policy, *, standard_known: bool) -> Iterator[str]:
    """The keys of a record that its policy declares otherwise.

    ``standard_known``: the standard values of the record's edition are those of this auditkit. Otherwise a
    setting that the policy does not write is not looked at.
    """
    if record.system != policy.system:
        yield "system"
    if record.policy.declared_by != policy.declared_by:
        yield "policy.declared_by"
    yield from _of_model(record, policy)
    if record.instructions_for_use != policy.instructions_for_use:
        yield "instructions_for_use"
    yield from _of_report(record, policy)
    if [task.id for task in record.tasks] != [task.id for task in policy.tasks]:
        yield "tasks"
        return
    for task, declared in zip(record.tasks, policy.tasks, strict=True):
        for key in _of_task(task, declared, policy, standard_known=standard_known):
            yield f"tasks[{task.id}].{key}"


def _of_report(record: AuditRecord, policy: Policy) -> Iterator[str]:
    settings, block = record.report, policy.report
    if (settings.language, settings.formats) != (block.language, block.formats):
        yield "report"
    if bool(settings.templates) != (block.template_dir is not None):
        yield "report.templates"
    signing, asked = record.signing, policy.signing
    if (signing.pades, signing.visible) != (asked.level, asked.visible):
        yield "signing"
    if signing.timestamp_url != shown_address(asked.timestamp_url):
        yield "signing.timestamp_url"


def _of_model(record: AuditRecord, policy: Policy) -> Iterator[str]:
    model, declared = record.model, policy.model
    if model.revision != declared.revision:
        yield "model.revision"
    if record.environment.dtype != declared.dtype:
        yield "environment.dtype"
    if _pinned(record) != _pins(declared):
        yield "model.pinned"


def _pinned(record: AuditRecord) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for pin in record.model.pinned:
        if isinstance(pin, PinnedDigest):
            found[pin.by] = pin.value
        elif isinstance(pin, PinnedSignature):
            found["signature"] = None
    return found


def _pins(declared: Pins) -> dict[str, str | None]:
    digests = {
        "root_digest": declared.root_digest,
        "weights_digest": declared.weights_digest,
    }
    found: dict[str, str | None] = {by: value for by, value in digests.items() if value is not None}
    return found if declared.signature is None else {**found, "signature": None}


def _of_task(
    task: TaskRecord, declared: PolicyTask, policy: Policy, *, standard_known: bool
) -> Iterator[str]:
    if task.title != declared.title:
        yield "title"
    if task.evidence_for != declared.evidence_for:
        yield "evidence_for"
    if (task.wanted, task.concerns) != (declared.wanted, declared.concerns):
        yield "wanted"
    if task.examples.origin != _origin(declared):
        yield "examples.origin"
    expected = None if isinstance(task.expected, NotAssessed) else task.expected
    if expected != _expected(declared, expected, standard_known=standard_known):
        yield "expected"
    asked = policy.specification(declared)
    for key in _of_specification(task.specification, asked, policy, standard_known=standard_known):
        yield f"specification.{key}"


def _expected(
    declared: PolicyTask, recorded: Expectation | None, *, standard_known: bool
) -> Expectation | None:
    """What the policy declares. Editions 1 and 2 had a precision and a recall where none are written."""
    expected = declared.expected
    if standard_known or expected is None or recorded is None:
        return expected
    if expected.min_precision is not None:
        return expected
    shares = {"min_precision": recorded.min_precision, "min_recall": recorded.min_recall}
    return Expectation(**{**dict(expected), **shares})


def _origin(declared: PolicyTask) -> str:
    if declared.prompts.generator is not None:
        return f"generator:{declared.prompts.generator}"
    return f"file:{Path(declared.prompts.file or '').name}"


def _of_specification(
    recorded: Specification, asked: Specification, policy: Policy, *, standard_known: bool
) -> Iterator[str]:
    """What is recorded otherwise than asked. A prompt file settles how many test pairs there are, and a
    dictionary what else its autoencoders are: as far as the policy leaves it open."""
    here, there = _flat(recorded), _flat(asked)
    trained = (
        {f"autoencoder.{name}" for name in _OF_A_TRAINING} if policy.sae is not None else set()
    )
    if policy.sae is not None and recorded.autoencoder.dictionary is None:
        yield "autoencoder.dictionary"
    unwritten = set(asked.defaulted)
    if standard_known and set(recorded.defaulted) != unwritten - trained:
        yield "defaulted"
    for key, value in there.items():
        if key in trained or here[key] == value:
            continue
        fewer = key == "test_examples" and recorded.test_examples < asked.test_examples
        if fewer and key in unwritten:
            continue
        if standard_known or key not in unwritten:
            yield key


def _flat(block: Record, prefix: str = "") -> dict[str, object]:
    """Every value of a specification by its key, as ``thresholds.tau``; not which of them were standard."""
    found: dict[str, object] = {}
    for name, value in block:
        if isinstance(value, Record):
            found |= _flat(value, f"{prefix}{name}.")
        elif name != "defaulted":
            found[prefix + name] = value
    return found
