"""What the tests of the report share: PDFs of the hand-made record, typeset once per test session."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.report.pdf import render_pdf
from tests.builders import audit_record, with_visible_seal
from tests.recorded_calibration import alone
from tests.report_records import ATTACHED


@pytest.fixture(scope="session")
def hand_made_pdf(shared_folder: Path) -> bytes:
    """The hand-made record, with three files attached."""
    return _typeset_once(audit_record(), shared_folder / "hand-made.pdf")


@pytest.fixture(scope="session")
def visible_pdf(shared_folder: Path) -> bytes:
    """The same with room for a visible seal, not signed yet."""
    return _typeset_once(with_visible_seal(audit_record()), shared_folder / "visible.pdf")


def _typeset_once(record: AuditRecord, path: Path) -> bytes:
    with alone(path.with_suffix(".lock")):
        if not path.exists():
            whole = path.with_suffix(".part")
            whole.write_bytes(render_pdf(record, load_law(), ATTACHED))
            whole.replace(path)
    return path.read_bytes()
