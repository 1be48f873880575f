"""A policy with one task by the published method, through the command line; and a code changed after."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditkit.bundle.run_files import assemble, publish
from auditkit.judging.editions import CURRENT
from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.records.unique_codes import UniqueCodes
from auditkit.report.html import render_html
from auditkit.signing.cades import sign_detached
from auditkit.signing.keys.signer import development_key
from auditkit.verifying import verify
from auditkit.verifying.recompute import mismatches
from tests.conftest import QUICKSTART, CommandLine

NOW = datetime(2026, 11, 20, 9, 31, 0, tzinfo=UTC)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The first task of the quickstart policy, by the published method, as HTML only."""
    text = QUICKSTART.read_text("utf-8").replace(
        "path: models/reference", f"path: '{QUICKSTART.parent / 'models' / 'reference'}'"
    )
    head, _, _ = text.partition("\n  - id: greater_than")
    first = head.replace("method: attributed-codes", "method: unique-codes, test_examples: 20")
    written = tmp_path / "policy.yaml"
    written.write_text(f"{first}\nreport: {{formats: [html]}}\n", encoding="utf-8")
    return written


def test_a_task_by_the_published_method(
    policy: Path, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """It runs, ends inconclusive with exit 3, says that it only observed, and verifies.

    Whoever changes one code and signs everything anew is caught by the codes that follow.
    """
    ran = auditkit_here("run", policy, "--out", tmp_path / "out", "--json")
    (task,) = ran.json()["tasks"]
    assert (ran.code, task["verdict"], task["causal"]) == (3, "inconclusive", "not_assessed")
    assert (task["behaviour"], task["heads_found"], task["missing"]) == ("observed", None, None)
    directory = Path(ran.json()["directory"])
    page = (directory / "report.html").read_text("utf-8")
    assert "a published method that only observes" in page
    verified = auditkit_here("verify", directory, "--json")
    assert (verified.code, verified.json()["ok"]) == (0, True)

    content = (directory / "evidence.json").read_bytes()
    record = AuditRecord.model_validate_json(content)
    codes = record.tasks[0].codes
    assert isinstance(codes, UniqueCodes)
    assert mismatches(record, CURRENT) == ()
    document = json.loads(content)
    place = next(i for i, head in enumerate(codes.heads) if head.count == 0)
    document["tasks"][0]["codes"]["examples"][0]["positive"]["codes"][place] = 199
    changed = AuditRecord.model_validate_json(json.dumps(document))
    key = development_key(tmp_path / "forger", NOW)
    page_again = render_html(changed, load_law())
    signed = (page_again, sign_detached(page_again, key, NOW))
    files = assemble(changed, policy.read_bytes(), signed, None, key)
    forged = publish(files, tmp_path / "forged", changed.run_id)
    failed = {
        check.id: check.detail for check in verify(forged).checks if check.outcome == "failed"
    }
    assert f"codes.heads[{codes.heads[place].head}]" in " ".join(failed.values())
