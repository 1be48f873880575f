"""Evidence of edition 1 verifies for ever: five signed runs, and made-up records that fill its rules.

Everything in ``edition-1`` was written by the auditkit that had edition 1, and no byte of it is made
again. ``made-up/findings.json`` has what edition 1 found in tasks that fill every finding, sentence by
sentence; ``made-up/mismatches.json`` what it said of records whose conclusions were tampered with.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter

from auditkit.bundle.evidence import evidence_bytes, parse_evidence
from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError
from auditkit.judging.editions import EDITIONS
from auditkit.judging.findings import findings_of
from auditkit.judging.findings.of_calibration import finding_of
from auditkit.judging.findings.words import WORDS
from auditkit.judging.measured import Assessed
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.reasons import REASONS
from auditkit.records.schema_1 import upgraded
from auditkit.records.schema_2 import upgraded_setting, upgraded_task
from auditkit.records.task import Finding, TaskRecord
from auditkit.verifying.recompute import mismatches
from auditkit.verifying.recompute_stated import stated_differences
from auditkit.verifying.sentences import otherwise_worded, reasons_otherwise_worded
from tests.conftest import ROOT, CommandLine

FROZEN = ROOT / "tests" / "compat" / "edition-1"
MADE_UP = FROZEN / "made-up"
RUNS = sorted(path.name for path in FROZEN.iterdir() if path != MADE_UP)
EDITION = EDITIONS[1]
NOT_MADE_UP = {"findings.json", "mismatches.json"}

every_run = pytest.mark.parametrize("name", RUNS)


def read(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    return json.loads(path.read_bytes())


T = TypeVar("T")


def as_record(
    kind: type[T], document: dict[str, Any], further: Callable[[dict[str, Any]], dict[str, Any]]
) -> T:
    """A part of a record of schema 1, as it is read today."""
    whole = further(upgraded({"part": document})["part"])
    return TypeAdapter(kind).validate_json(canonical_json(whole))


@every_run
def test_a_run_of_edition_1_verifies(name: str, auditkit_here: CommandLine) -> None:
    """Nothing in it fails. Where its page was laid out otherwise than today, that alone is left open."""
    outcome = auditkit_here("verify", FROZEN / name, "--json")
    result = outcome.json()
    states = {check["id"]: check["outcome"] for check in result["checks"]}
    assert outcome.code in (0, 3)
    assert "failed" not in states.values()
    not_run = {check for check, state in states.items() if state == "not_run"}
    assert not_run <= {
        "report_html",
        "pdf_pages",
        "certificate",
        "store",
        "witnesses",
        "extension",
        "commitment",
        "asked",
    }
    assert (outcome.code == 3) == ("report_html" in not_run)


@every_run
def test_its_values_and_its_sentences_are_compared(name: str) -> None:
    """All conclusions follow under edition 1, and each sentence is the one that edition 1 printed."""
    record = parse_evidence((FROZEN / name / "evidence.json").read_bytes())
    assert (record.schema_version, record.editions.rules) == ("1", 1)
    assert mismatches(record, EDITION) == ()
    assert otherwise_worded(record, EDITION) == ()


@every_run
def test_a_lone_pdf_of_edition_1_verifies(name: str, auditkit_here: CommandLine) -> None:
    """The PDF by itself carries evidence that is judged under its own edition too."""
    outcome = auditkit_here("verify", FROZEN / name / "report.pdf", "--json")
    assert outcome.code in (0, 3)
    assert outcome.json()["result"] in ("verified", "not_compared")


def test_edition_1_says_of_made_up_records_what_it_said() -> None:
    """Which keys do not follow is the same today; limitations, a record with itself, and a verdict on the
    mechanism beside the task's own are compared since.
    """
    said = read(MADE_UP / "mismatches.json")
    files = {path.stem for path in MADE_UP.iterdir() if path.name not in NOT_MADE_UP}
    assert files == said.keys()
    assert any(said.values())
    for name, keys in said.items():
        record = parse_evidence((MADE_UP / f"{name}.json").read_bytes())
        mechanisms = {f"tasks[{task.id}].mechanism" for task in record.tasks}
        since = {"limitations", *stated_differences(record), *mechanisms}
        now = [key for key in mismatches(record, EDITION) if key not in since]
        assert now == keys, name


def test_edition_1_finds_and_says_what_it_did() -> None:
    """Codes, weights and sentences of every finding, on tasks that fill them."""
    seen = set()
    for each in read(MADE_UP / "findings.json")["tasks"]:
        task = as_record(TaskRecord, each["task"], upgraded_task)
        again = findings_of(Assessed.of(task), each["weights_digest"])
        assert [printed(finding) for finding in again] == each["findings"]
        seen |= {finding.code for finding in again}
    for each in read(MADE_UP / "findings.json")["calibration"]:
        setting = each["setting"] and as_record(
            CalibratedSetting,
            each["setting"],
            upgraded_setting,
        )
        again_said = finding_of(setting or None)
        assert printed(again_said) == each["finding"]
        seen.add(again_said.code)
    assert seen == EDITION.findings.keys()


def printed(finding: Finding) -> dict[str, str]:
    """A finding as schema 1 has it, in the words of edition 1."""
    return {"code": finding.code, "level": finding.level, "text": EDITION.sentence(finding)}


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("behaviour/correct", 7, "behaviour"),
        ("verdict", "inconclusive", "verdict"),
        ("circuit/heads", ["0.0"], "circuit"),
        ("causal/necessity/0/share/mean", "0.1000", "necessity"),
        ("specification/thresholds/necessity", "0.9999", "necessity"),
        ("stability/agreeing", "0.1000", "stability"),
        ("findings/0/level", "failure", "findings"),
    ],
)
def test_one_changed_value_of_edition_1_fails(key: str, value: object, named: str) -> None:
    """A value that does not follow is named, whatever edition it is of."""
    document = changed(key, value)
    found = mismatches(parse_evidence(canonical_json(document)), EDITION)
    assert any(named in each for each in found)


def changed(key: str, value: object) -> dict[str, Any]:
    """The evidence of the sample with a value of its first task replaced."""
    document: dict[str, Any] = read(FROZEN / "consistent" / "evidence.json")
    *way, last = key.split("/")
    part: Any = document["tasks"][0]
    for step in way:
        part = part[int(step)] if isinstance(part, list) else part[step]
    part[int(last) if isinstance(part, list) else last] = value
    return document


def test_a_number_changed_in_a_sentence_of_edition_1_is_named() -> None:
    """Schema 1 has a finding's values in its sentence only, so the sentence is compared exactly."""
    record = parse_evidence(
        canonical_json(changed("findings/0/text", "The right answers score above on 99 prompts."))
    )
    assert otherwise_worded(record, EDITION) == ("tasks[ioi].findings[behaviour_observed]",)


def test_a_reason_that_edition_1_never_gave_agrees_with_no_rule() -> None:
    """Another sentence in place of a reason is not taken for that reason."""
    other = {"state": "not_assessed", "reason": "Nothing is wrong here."}
    record = parse_evidence(canonical_json(changed("stability", other)))
    assert any("stability" in key for key in mismatches(record, EDITION))
    assert "tasks[0].stability.reason" in reasons_otherwise_worded(record, EDITION)


@pytest.mark.parametrize(
    "document",
    [
        {"editions": {"rules": 2, "page": None}},
        {"limitations": [{"code": "scope", "text": "x", "parameters": {}}]},
        {"verdict": {"state": "not_assessed", "code": "no_behaviour", "reason": "x"}},
    ],
)
def test_schema_1_is_not_mixed_with_later_ones(document: dict[str, Any]) -> None:
    """Evidence that says it is of schema 1 and has what only later schemas have is no record."""
    base = read(FROZEN / "consistent" / "evidence.json")
    with pytest.raises(EvidenceError, match="schema 1"):
        parse_evidence(canonical_json({**base, **document}))


def test_evidence_of_edition_1_is_never_encoded_again() -> None:
    """Its bytes are those it was read from: nothing makes new ones of it."""
    record = parse_evidence((FROZEN / "consistent" / "evidence.json").read_bytes())
    with pytest.raises(ValueError, match="never encoded again"):
        evidence_bytes(record)


def test_codes_are_for_ever() -> None:
    """Every code of a finding and every reason of edition 1 is one that today's words know."""
    assert EDITION.findings.keys() <= WORDS.keys()
    assert EDITION.reasons.keys() <= REASONS.keys()


def test_a_run_of_edition_1_is_packed_with_a_word_on_what_was_not_compared(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """An old run can still be handed to an authority, and its pack verifies as the run does."""
    target = tmp_path / "old.zip"
    packed = auditkit_here("export", FROZEN / "consistent", "--pack", target)
    alone = auditkit_here("verify", FROZEN / "consistent")
    assert packed.code == 0
    assert ("report_html, was not made" in packed.err) == (alone.code == 3)
    assert auditkit_here("verify", target).code == alone.code


def test_a_run_of_edition_1_is_read_in_python() -> None:
    """The Python API reads old evidence as it reads new: circuit, effects and verdict."""
    import auditkit

    run = auditkit.load(FROZEN / "consistent")
    assert run.verdict == "consistent"
    assert run.tasks["ioi"].circuit == run.record.tasks[0].circuit
    assert run.tasks["ioi"].head_effects().measured.any()
