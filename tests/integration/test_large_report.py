"""Reports far larger than usual still lay out: nothing overlaps page 1, nothing is cut."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import pikepdf
import pytest

from auditkit.law import load_law
from auditkit.policy import parse_policy
from auditkit.policy.schema import Policy
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from auditkit.report.pdf import render_pdf
from tests.builders import audit_record, calibration, copying
from tests.hostile_policies import complete
from tests.pages import Page

N_TASKS = 40
NAMES = {"with_spaces": "System " * 142 + "System", "without_a_break": "S" * 1000}


def large_policy(name: str) -> Policy:
    """Forty tasks, and a system with a long name, as a policy holds them."""
    policy = complete()
    policy["system"]["name"] = name
    policy["tasks"] = [{**policy["tasks"][0], "id": f"task-{i}"} for i in range(N_TASKS)]
    return parse_policy(json.dumps(policy).encode(), Path("p.yaml")).policy


def large_record(name: str) -> AuditRecord:
    """A record of that policy, every task measured alike."""
    policy = large_policy(name)
    tasks = tuple(
        copying().model_copy(update={"id": task.id, "title": f"{task.title}, number {i}"})
        for i, task in enumerate(policy.tasks, start=1)
    )
    changes = {"tasks": tasks, "system": policy.system, "verdict": "consistent"}
    controls = calibration(tasks=tuple(task.id for task in tasks))
    return audit_record().model_copy(update={**changes, "calibration": controls})


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_forty_tasks_and_a_name_of_a_thousand_letters_lay_out(name: str, tmp_path: Path) -> None:
    """The limits and the signature level stay on page 1, every task is in both forms, the name is whole."""
    record = large_record(name)
    page = Page(render_html(record, load_law()))
    path = tmp_path / "report.pdf"
    path.write_bytes(render_pdf(record, load_law()))

    def text(*options: str) -> str:
        command = ["pdftotext", "-raw", *options, str(path), "-"]
        made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return "".join(made.split())

    first, whole = text("-l", "1"), text()
    for words in ("Limits of this report", "DEVELOPMENT KEY: it names nobody", "Overall result"):
        assert "".join(words.split()) in first, words
    for limitation in record.limitations:
        assert "".join(limitation.text.split()) in first
    assert "".join(name.split()) in whole
    assert " ".join(name.split()) in page.text
    for task in record.tasks:
        assert task.title in page.text
        assert "".join(task.title.split()) in whole
    with pikepdf.open(io.BytesIO(path.read_bytes())) as pdf:
        assert len(pdf.pages) > N_TASKS
