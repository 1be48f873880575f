"""Editions: what this build judges under, what it says of others, and that none changes unnoticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import auditkit.verifying.protocol as protocol
import auditkit.verifying.rendered as rendered
from auditkit.bundle.evidence import NewerEvidenceError, evidence_bytes, parse_evidence
from auditkit.bundle.names import EVIDENCE, HTML, MANIFEST
from auditkit.bundle.run_files import manifest
from auditkit.controls import outcomes
from auditkit.controls.family import FAMILIES
from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import EvidenceError
from auditkit.judging import limitations
from auditkit.judging.editions import CURRENT, EDITIONS
from auditkit.judging.findings import words
from auditkit.policy.specifying import STANDARD
from auditkit.records import reasons
from auditkit.verifying import verify
from auditkit.verifying.brought import Brought
from auditkit.verifying.case import Case, read_case
from auditkit.verifying.outcome import Check, Verification
from auditkit.verifying.protocol import check
from auditkit.verifying.recompute import mismatches
from auditkit.verifying.sentences import otherwise_worded
from tests.builders import audit_record, digest, only_record_checkpoint
from tests.conftest import SAMPLES, CommandLine
from tests.signed_runs import NOW, RUN_ID, bundle_of, measured_record

PINNED = "c8f26edcc47ca3998f4b97987ed80099b73e74ec1070d7b6b498b693b7a27a78"
"""The digest of the standard settings of the current edition."""

OLD = Path(__file__).parent / "edition-1" / "consistent"


def outcome(result: Verification, name: str) -> Check:
    (found,) = [each for each in result.checks if each.id == name]
    return found


def changed(case: Case, change: Callable[[dict[str, Any]], None]) -> Case:
    """The case with its evidence changed, and listed anew: only signatures and arithmetic can tell."""
    document = json.loads(case.files[EVIDENCE])
    change(document)
    files = {**case.files, EVIDENCE: canonical_json(document)}
    del files[MANIFEST]
    return replace(case, files={**files, MANIFEST: manifest(files)})


def test_the_controls_of_the_current_edition_are_those_that_are_run() -> None:
    """Whoever plants other controls makes a new edition: docs/how-to-change.md."""
    assert outcomes.planned() == CURRENT.controls, f"the controls are now {outcomes.planned()}"


def test_the_standard_values_of_the_current_edition_stay() -> None:
    """``verify`` holds what a policy does not write against them: another value is another edition."""
    document = STANDARD.model_dump(mode="json")
    assert sha256_hex(canonical_json(document)) == PINNED, (
        "make a new edition: docs/how-to-change.md"
    )


def test_editions_count_from_1_to_the_current_one() -> None:
    """Each is known by its number, and schemas never go back."""
    assert list(EDITIONS) == list(range(1, CURRENT.number + 1))
    assert all(number == each.number for number, each in EDITIONS.items())
    schemas = [int(each.schema) for each in EDITIONS.values()]
    assert schemas == sorted(schemas)


def test_a_record_of_today_names_its_edition_and_agrees_with_it() -> None:
    """The control: nothing differs in an honest record, neither values nor sentences."""
    record = audit_record()
    assert (record.schema_version, record.editions.rules) == (CURRENT.schema, CURRENT.number)
    assert mismatches(record, CURRENT) == ()
    assert otherwise_worded(record, CURRENT) == ()
    assert parse_evidence(evidence_bytes(record)) == record


def test_a_record_put_under_an_older_edition_is_caught(tmp_path: Path) -> None:
    """By the signature, and by check 10: no record of schema 2 was judged under edition 1."""
    case = changed(
        read_case(SAMPLES["consistent"]), lambda document: document["editions"].update(rules=1)
    )
    result = check(case, "x")
    assert {"statement", "conclusions"} <= set(result.failed)
    assert "editions.rules" in outcome(result, "conclusions").detail


def test_a_record_of_newer_rules_is_not_called_failed_nor_verified() -> None:
    """Its values cannot be judged here; that alone is said, and what it is made of still is checked."""
    case = read_case(SAMPLES["consistent"])
    result = check(changed(case, lambda document: document["editions"].update(rules=9)), "x")
    conclusions = outcome(result, "conclusions")
    assert conclusions.outcome == "not_run"
    assert f"judged under rules 9, this build has {CURRENT.number}" in conclusions.detail
    assert "made by a newer auditkit" in conclusions.detail


def test_evidence_of_a_newer_schema_is_not_run_and_the_rest_is_checked() -> None:
    """What needs no record still passes or fails by itself; nothing is called verified."""
    case = read_case(SAMPLES["consistent"])
    newer = changed(case, lambda document: document.update(schema_version="9", novelty=[1]))
    result = check(newer, "x")
    assert "made by a newer auditkit" in outcome(result, "evidence").detail
    for name in ("evidence", "policy", "conclusions", "report_html", "checkpoint"):
        assert outcome(result, name).outcome == "not_run", name
    assert outcome(result, "manifest").outcome == "passed"
    assert "statement" in result.failed  # it was signed over other evidence
    assert result.result == "failed"


def test_a_list_of_files_of_a_newer_schema_is_not_called_failed() -> None:
    """Which files belong together cannot be told here; that alone is said."""
    case = read_case(SAMPLES["consistent"])
    listed = json.loads(case.files[MANIFEST])
    newer = canonical_json({**listed, "schema_version": "2", "novelty": 1})
    result = check(replace(case, files={**case.files, MANIFEST: newer}), "x")
    assert outcome(result, "manifest").outcome == "not_run"
    assert "made by a newer auditkit" in outcome(result, "manifest").detail
    assert result.failed == ()


@pytest.mark.parametrize("schema", ["1", "0", "x", None])
def test_a_list_of_files_that_is_only_changed_fails(schema: object) -> None:
    """Nothing that is not the number of a later schema excuses another list."""
    case = read_case(SAMPLES["consistent"])
    listed = json.loads(case.files[MANIFEST])
    other = canonical_json({**listed, "schema_version": schema, "novelty": 1})
    result = check(replace(case, files={**case.files, MANIFEST: other}), "x")
    assert outcome(result, "manifest").outcome == "failed"


def test_a_spoiled_store_fails_its_own_check_and_no_other() -> None:
    """What is wrong with a store says nothing about the files beside it."""
    case = read_case(SAMPLES["consistent"], Brought(store_problem="the store is spoiled"))
    result = check(case, "x")
    assert result.failed == ("store",)
    assert outcome(result, "store").detail == "the store is spoiled"


def test_a_page_that_cannot_be_laid_out_again_fails_only_under_its_own_edition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An older record may lack what today's templates print: then the page is not compared."""

    def breaks(*_: object) -> bytes:
        raise AttributeError("no such part")

    monkeypatch.setattr(rendered, "render_html", breaks)
    own = check(read_case(SAMPLES["consistent"]), "x")
    assert outcome(own, "report_html").outcome == "failed"
    old = check(read_case(OLD), "x")
    assert outcome(old, "report_html").outcome == "not_run"


@pytest.mark.parametrize("schema", ["0", "01", "x", "-3", "9" * 5000, 3])
def test_what_is_no_later_schema_is_not_called_newer(schema: object) -> None:
    """Only the number of a later schema means a newer auditkit; anything else is no record."""
    document = {**json.loads(evidence_bytes(audit_record())), "schema_version": schema}
    with pytest.raises(EvidenceError, match="not a record") as told:
        parse_evidence(canonical_json(document))
    assert not isinstance(told.value, NewerEvidenceError)


def test_newer_evidence_that_is_signed_as_it_is_ends_with_3(
    tmp_path: Path,
    auditkit_here: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Intact, and not compared: the exit status is 3, and the last line says why."""
    from auditkit.signing.keys.signer import development_key

    key = development_key(tmp_path / "keys", NOW)
    record = measured_record(RUN_ID).under(only_record_checkpoint(digest("7")))
    files = bundle_of(record, key)
    directory = tmp_path / "run"
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    monkeypatch.setattr("auditkit.bundle.evidence.SCHEMAS", ("1",))
    told = auditkit_here("verify", directory, "--json")
    states = {each["id"]: each["outcome"] for each in told.json()["checks"]}
    assert states["evidence"] == "not_run"
    assert "failed" not in states.values()
    assert (told.code, told.json()["result"]) == (3, "not_compared")
    assert "made by a newer auditkit" in auditkit_here("verify", directory).out.replace("\n", " ")


@pytest.mark.parametrize("kept", [OLD, SAMPLES["consistent"]], ids=["edition 1", "current"])
def test_a_reworded_sentence_never_makes_a_report_fail(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings, reasons and limitations worded anew: older evidence is not called failed."""
    monkeypatch.setitem(words.WORDS, "behaviour_observed", lambda p: f"Better: {p['correct']}.")
    monkeypatch.setitem(reasons.REASONS, "few_templates", "Too few templates.")
    monkeypatch.setitem(limitations.LIMITATIONS, "scope", "It holds here.")
    monkeypatch.setattr(protocol, "tool", lambda: audit_record().tool)
    monkeypatch.setattr(rendered, "tool", lambda: audit_record().tool)
    result = verify(kept)
    assert result.failed == ()
    assert outcome(result, "conclusions").outcome == ("passed" if kept == OLD else "not_run")


@pytest.mark.parametrize("kept", [OLD, SAMPLES["consistent"]], ids=["edition 1", "current"])
def test_another_control_never_makes_a_report_fail(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control model more is run from then on; what was recorded before had those of its edition."""
    families = {kind: (*family, family[0]) for kind, family in FAMILIES.items()}
    monkeypatch.setattr(outcomes, "FAMILIES", families)
    assert verify(kept).failed == ()


@pytest.mark.parametrize("kept", [OLD, SAMPLES["consistent"]], ids=["edition 1", "current"])
def test_another_template_never_makes_a_report_fail(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page cannot be laid out again: that is said, and the result is not ``verified``."""
    monkeypatch.setattr(rendered, "render_html", lambda *_: b"another page")
    monkeypatch.setattr(rendered, "page_digest", lambda: "sha256:" + "0" * 64)
    result = verify(kept)
    assert result.failed == ()
    page = outcome(result, "report_html")
    assert page.outcome == "not_run"
    assert "laid out under page edition" in page.detail
    assert result.result == "not_compared"


def test_a_sentence_that_its_values_do_not_give_fails_under_the_build_that_made_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same build words the same values the same: another sentence is somebody else's."""
    case = read_case(SAMPLES["consistent"])
    record = parse_evidence(case.files[EVIDENCE])
    monkeypatch.setattr(protocol, "tool", lambda: record.tool)
    monkeypatch.setattr(rendered, "tool", lambda: record.tool)
    forged = changed(
        case, lambda d: d["tasks"][0]["findings"][0].update(text="All was well, always.")
    )
    result = check(forged, "x")
    assert "conclusions" in result.failed
    assert "a sentence is not the one its values give" in outcome(result, "conclusions").detail


@pytest.mark.parametrize("place", ["reason", "parameters"])
def test_a_reason_that_is_worded_otherwise_is_seen(place: str) -> None:
    """Of reasons too, the sentence must be the one that the code and its values give."""
    document = json.loads(evidence_bytes(audit_record()))
    part = document["tasks"][1]["stability"]
    part[place] = "All is well." if place == "reason" else {"exact_up_to": 3}
    record = parse_evidence(canonical_json(document))
    assert (mismatches(record, CURRENT) or otherwise_worded(record, CURRENT)) != ()


def test_a_page_that_was_changed_is_never_verified() -> None:
    """Under an older page edition a changed page is caught by what was signed over it."""
    case = read_case(OLD)
    files = {**case.files, HTML: case.files[HTML].replace(b"consistent", b"excellent")}
    result = check(replace(case, files=files), "x")
    assert {"manifest", "statement", "attachments", "html_signature"} <= set(result.failed)
