"""Calibrations that earlier runs in the store made, for a run with the same settings to take over."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from auditkit.records.audit import Environment, Tool
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.specification import Specification
from auditkit.store.evidence_store import EvidenceStore, StoredRecord
from auditkit.store.merkle import leaf_hash

LOOKED_AT = 12
"""So many of the latest runs are looked at: older ones seldom have what they have not."""

_SETTINGS = TypeAdapter(tuple[CalibratedSetting, ...])


def earlier_calibrations(
    store: EvidenceStore, tool: Tool, environment: Environment
) -> dict[Specification, CalibratedSetting]:
    """Calibrated settings of the latest runs of the same auditkit in the same environment, newest first.

    Each says which run measured it. The same bytes of code, versions of libraries, device and threads give
    the same numbers; how much memory there was does not change them.

    Raises:
        EvidenceError: the store cannot be read.
    """
    found: dict[Specification, CalibratedSetting] = {}
    for summary in reversed(store.list()[-LOOKED_AT:]):
        stored = store.get(summary.run_id)
        if stored is None or not _as_signed(stored):
            continue
        document = from_json(stored.body)
        if document.get("tool") != tool.model_dump(mode="json"):
            continue
        if not _same_machine(document.get("environment"), environment):
            continue
        try:
            settings = _SETTINGS.validate_json(to_json(document["calibration"]["settings"]))
        except (ValidationError, KeyError, TypeError):
            continue  # of no schema that this auditkit writes
        for setting in settings:
            found.setdefault(setting.specification, setting.measured_in(summary.run_id))
    return found


def _as_signed(stored: StoredRecord) -> bool:
    """Whether the bytes are those that the tree was signed over; the tree itself is checked on appending."""
    return stored.hash == f"sha256:{leaf_hash(stored.body).hex()}"


def _same_machine(recorded: object, environment: Environment) -> bool:
    """Whether a record was made where this run is: all but the memory that there was."""
    now = environment.model_dump(mode="json", exclude={"memory"})
    return isinstance(recorded, dict) and {**recorded, "memory": None} == {**now, "memory": None}
