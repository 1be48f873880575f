"""A record that was not made under the policy beside it is caught, whoever signs the two together."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.digest import sha256_hex
from auditkit.errors import EvidenceError
from auditkit.records.audit import AuditRecord
from auditkit.records.base import Record
from auditkit.records.declared import Expectation, Provided
from auditkit.records.model import PinnedDigest
from auditkit.records.reasons import not_assessed
from auditkit.records.task import TaskRecord
from auditkit.resources import tool
from auditkit.signing.keys.signer import development_key
from auditkit.verifying.against_policy import made_under
from auditkit.verifying.case import read_case
from auditkit.verifying.outcome import NotRunError
from auditkit.verifying.protocol import check
from tests.conftest import SAMPLES
from tests.signed_runs import NOW, bundle_of

HONEST = parse_evidence((SAMPLES["applicant_screening"] / "evidence.json").read_bytes())
POLICY = (SAMPLES["applicant_screening"] / "policy.yaml").read_bytes()

Change = Callable[[AuditRecord], AuditRecord]


def having(record: AuditRecord, **values: object) -> AuditRecord:
    return record.model_copy(update=values)


def inside(record: AuditRecord, name: str, **values: object) -> AuditRecord:
    block: Record = getattr(record, name)
    return having(record, **{name: block.model_copy(update=values)})


def first(record: AuditRecord, **values: object) -> AuditRecord:
    """The record with its first task changed."""
    task, *others = record.tasks
    return having(record, tasks=(task.model_copy(update=values), *others))


def specified(record: AuditRecord, block: str | None = None, **values: object) -> AuditRecord:
    """The record with its first task's settings changed."""
    settings: Any = record.tasks[0].specification
    if block is not None:
        values = {block: getattr(settings, block).model_copy(update=values)}
    return first(record, specification=settings.model_copy(update=values))


def expecting(record: AuditRecord, **values: object) -> AuditRecord:
    expected = record.tasks[0].expected
    assert isinstance(expected, Expectation)
    return first(record, expected=expected.model_copy(update=values))


ID = HONEST.tasks[0].id
OTHER_SYSTEM = HONEST.system.model_copy(update={"name": "Another system"})
OTHER_PROVIDER = HONEST.system.model_copy(
    update={"provider": HONEST.system.provider.model_copy(update={"name": "Another provider"})}
)
CHANGES: dict[str, tuple[Change, str]] = {
    "the report of one system shown for another": (
        lambda r: having(r, system=OTHER_SYSTEM),
        "system",
    ),
    "another provider": (lambda r: having(r, system=OTHER_PROVIDER), "system"),
    "another purpose": (
        lambda r: having(r, system=r.system.model_copy(update={"intended_purpose": "Games."})),
        "system",
    ),
    "another declarer": (
        lambda r: inside(
            r, "policy", declared_by=r.policy.declared_by.model_copy(update={"name": "Nobody"})
        ),
        "policy.declared_by",
    ),
    "a failing task left out": (lambda r: having(r, tasks=r.tasks[1:]), "tasks"),
    "tasks in another order": (lambda r: having(r, tasks=r.tasks[::-1]), "tasks"),
    "a task twice": (lambda r: having(r, tasks=(*r.tasks, r.tasks[0])), "tasks"),
    "another title": (lambda r: first(r, title="Is fair"), f"tasks[{ID}].title"),
    "cited for another item": (
        lambda r: first(r, evidence_for=("IV.3",)),
        f"tasks[{ID}].evidence_for",
    ),
    "other prompts": (
        lambda r: first(
            r, examples=r.tasks[0].examples.model_copy(update={"origin": "file:easy.jsonl"})
        ),
        f"tasks[{ID}].examples.origin",
    ),
    "other heads expected": (lambda r: expecting(r, heads=("1.1",)), f"tasks[{ID}].expected"),
    "shares in place of the rule": (
        lambda r: expecting(r, min_precision=Decimal("0.1"), min_recall=Decimal("0.1")),
        f"tasks[{ID}].expected",
    ),
    "a source of its own": (
        lambda r: expecting(r, source="the literature"),
        f"tasks[{ID}].expected",
    ),
    "no expectation": (
        lambda r: first(r, expected=not_assessed("no_expectation")),
        f"tasks[{ID}].expected",
    ),
    "a lower accuracy asked": (
        lambda r: specified(r, "thresholds", min_accuracy=Decimal("0.1")),
        f"tasks[{ID}].specification.thresholds.min_accuracy",
    ),
    "a threshold that nothing reaches": (
        lambda r: specified(r, "thresholds", head_effect=Decimal("0.9")),
        f"tasks[{ID}].specification.thresholds.head_effect",
    ),
    "another seed": (lambda r: specified(r, seed=7), f"tasks[{ID}].specification.seed"),
    "another method": (
        lambda r: specified(r, method="unique-codes"),
        f"tasks[{ID}].specification.method",
    ),
    "one ablation less": (
        lambda r: specified(r, ablations=("mean",)),
        f"tasks[{ID}].specification.ablations",
    ),
    "more test pairs": (
        lambda r: specified(r, test_examples=900),
        f"tasks[{ID}].specification.test_examples",
    ),
    "a smaller budget": (
        lambda r: specified(r, "patching", budget=8),
        f"tasks[{ID}].specification.patching.budget",
    ),
    "what was standard called written": (
        lambda r: specified(r, defaulted=()),
        f"tasks[{ID}].specification.defaulted",
    ),
    "another statement": (
        lambda r: having(r, instructions_for_use={"13(3)(e)": Provided(text="None is needed.")}),
        "instructions_for_use",
    ),
    "another language": (lambda r: inside(r, "report", language="xx"), "report"),
    "no page": (lambda r: inside(r, "report", formats=("pdf",)), "report"),
    "another level of signature": (lambda r: inside(r, "signing", pades="B-T"), "signing"),
    "a seal that is shown": (lambda r: inside(r, "signing", visible=True), "signing"),
    "a timestamp service": (
        lambda r: inside(r, "signing", timestamp_url="https://example.com"),
        "signing.timestamp_url",
    ),
    "another revision": (lambda r: inside(r, "model", revision="0" * 40), "model.revision"),
    "a pin that was not declared": (
        lambda r: inside(
            r, "model", pinned=(PinnedDigest(by="weights_digest", value="sha256:" + "0" * 64),)
        ),
        "model.pinned",
    ),
    "another number format": (
        lambda r: inside(r, "environment", dtype="float16"),
        "environment.dtype",
    ),
}


def test_the_honest_record_was_made_under_its_policy() -> None:
    """Every sample, by every key."""
    for folder in SAMPLES.values():
        record = parse_evidence((folder / "evidence.json").read_bytes())
        policy = (folder / "policy.yaml").read_bytes()
        assert made_under(record, policy) == "every key is as recorded"


@pytest.mark.parametrize(("change", "key"), CHANGES.values(), ids=CHANGES)
def test_what_the_policy_declares_otherwise_is_named(change: Change, key: str) -> None:
    """Each key by its name, and no other."""
    with pytest.raises(EvidenceError) as told:
        made_under(change(HONEST), POLICY)
    assert str(told.value) == f"the record was not made under this policy: {key}"


@pytest.mark.parametrize(
    "name", ["the report of one system shown for another", "a lower accuracy asked"]
)
def test_whoever_holds_the_key_cannot_sign_a_record_of_another_policy(
    name: str, tmp_path: Path
) -> None:
    """With everything listed, signed and sealed anew, check 9 fails, and says which key."""
    change, key = CHANGES[name]
    signer = development_key(tmp_path / "key", NOW)
    record = change(HONEST)
    digest = "sha256:" + sha256_hex(POLICY)
    assert record.policy.sha256 == digest
    run = tmp_path / "run"
    run.mkdir()
    for file, content in bundle_of(record, signer, POLICY).items():
        (run / file).write_bytes(content)
    result = check(read_case(run), "x")
    (found,) = [each for each in result.checks if each.id == "policy"]
    assert found.outcome == "failed"
    assert found.detail.endswith(key)
    assert result.result == "failed"


def test_a_policy_that_is_none_is_refused_of_this_build_and_not_read_of_another() -> None:
    """The auditkit that is said to have made the record read its policy: so this one would."""
    with pytest.raises(EvidenceError, match="no policy that this auditkit reads"):
        made_under(having(HONEST, tool=tool()), b"auditkit: 1\n")
    other = inside(HONEST, "tool", version="0.0.9")
    with pytest.raises(NotRunError, match="no policy that this auditkit reads"):
        made_under(other, b"auditkit: 1\n")


def test_what_was_standard_in_an_older_edition_is_not_held_against_todays() -> None:
    """What the policy writes still is."""
    old = inside(specified(HONEST, "patching", budget=8), "editions", rules=2)
    assert made_under(old, POLICY) == "every key that it writes is as recorded"
    written: TaskRecord = old.tasks[0].model_copy(update={"title": "x"})
    with pytest.raises(EvidenceError, match="title"):
        made_under(having(old, tasks=(written, *old.tasks[1:])), POLICY)
