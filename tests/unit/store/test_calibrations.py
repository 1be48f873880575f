"""Calibrations that a later run takes over from the store: the same auditkit, machine and bytes, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditkit.records.calibration import CalibratedSetting
from auditkit.records.specification import Specification
from auditkit.store.calibrations import earlier_calibrations
from auditkit.store.evidence_store import EvidenceStore, StoredRecord
from tests.builders import note_signer
from tests.stores import run


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    made = EvidenceStore.open(f"sqlite:///{tmp_path / 'store.db'}", signer=note_signer())
    made.append(run(1))
    made.append(run(2))
    return made


def known(store: EvidenceStore, **changes: object) -> dict[Specification, CalibratedSetting]:
    """What the store has for the tool and the environment of its runs, or for others."""
    record = run(1)
    environment = record.environment.model_copy(update=changes)
    return earlier_calibrations(store, record.tool, environment)


def test_the_latest_run_with_the_settings_is_named(store: EvidenceStore) -> None:
    """Each setting says which run measured it; how much memory there was does not matter."""
    (setting,) = run(1).calibration.settings
    more = run(1).environment.memory.model_copy(update={"budget": 1})
    for found in (known(store), known(store, memory=more)):
        assert found == {setting.specification: setting.measured_in(run(2).run_id)}


def test_another_tool_or_environment_takes_nothing_over(store: EvidenceStore) -> None:
    """Other bytes of code, another library, device or number of threads: all is measured anew."""
    for changes in ({"torch": "0.0"}, {"device": "other"}, {"threads": 7}):
        assert known(store, **changes) == {}
    tool = run(1).tool.model_copy(update={"source_digest": "sha256:" + "0" * 64})
    assert earlier_calibrations(store, tool, run(1).environment) == {}


def test_bytes_that_were_not_signed_are_not_taken_over(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body edited behind the store's back no longer has its leaf hash, whatever it says of controls."""
    get = store.get

    def edited(run_id: str) -> StoredRecord | None:
        stored = get(run_id)
        assert stored is not None
        return replace(stored, body=stored.body.replace(b'"inconclusive":1', b'"inconclusive":0'))

    assert b'"inconclusive":1' in (get(run(2).run_id) or pytest.fail("no run")).body
    monkeypatch.setattr(store, "get", edited)
    assert known(store) == {}
