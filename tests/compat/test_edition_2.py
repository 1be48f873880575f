"""Evidence of edition 2 verifies for ever: signed runs that were judged by counting, before there were looks.

Every byte of ``edition-2`` was written by the auditkit that had edition 2, and none is made again.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError
from auditkit.judging.editions import EDITIONS
from auditkit.verifying.recompute import mismatches
from auditkit.verifying.sentences import reasons_otherwise_worded
from tests.conftest import ROOT, CommandLine

FROZEN = ROOT / "tests" / "compat" / "edition-2"
RUNS = sorted(path.name for path in FROZEN.iterdir())
EDITION = EDITIONS[2]

every_run = pytest.mark.parametrize("name", RUNS)


def evidence(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FROZEN / name / "evidence.json").read_bytes())
    return found


@every_run
def test_a_run_of_edition_2_verifies(name: str, auditkit_here: CommandLine) -> None:
    """Nothing in it fails; where its page was laid out otherwise than today, that alone is left open."""
    outcome = auditkit_here("verify", FROZEN / name, "--json")
    states = {check["id"]: check["outcome"] for check in outcome.json()["checks"]}
    assert outcome.code in (0, 3)
    assert "failed" not in states.values()
    assert states["conclusions"] == "passed"


@every_run
def test_its_conclusions_follow_under_its_own_rules(name: str) -> None:
    """Verdict by counting, envelope over example sets, intervals by the bootstrap: all as they were."""
    record = parse_evidence((FROZEN / name / "evidence.json").read_bytes())
    assert (record.schema_version, record.editions.rules) == ("2", 2)
    assert mismatches(record, EDITION) == ()
    assert reasons_otherwise_worded(record, EDITION) == ()


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("verdict", "not_consistent", "verdict"),
        ("causal/patched/0/effects/0", "0.0001", "causal.patched"),
        ("causal/random_sets/at_least", 7, "random_sets"),
        ("stability/agreeing", "0.1000", "stability"),
        ("comparison/recall", "0.1000", "comparison"),
        ("findings/0/level", "failure", "findings"),
    ],
)
def test_one_changed_value_of_edition_2_fails(key: str, value: object, named: str) -> None:
    """A value that does not follow is named, by the rules that judged it."""
    document = evidence("consistent")
    *way, last = key.split("/")
    part: Any = document["tasks"][0]
    for step in way:
        part = part[int(step)] if isinstance(part, list) else part[step]
    part[int(last) if isinstance(part, list) else last] = value
    found = mismatches(parse_evidence(canonical_json(document)), EDITION)
    assert any(named in each for each in found)


def test_what_schema_3_adds_is_refused_in_schema_2() -> None:
    """A record is of one schema: looks in a record that had none are nobody's."""
    document = evidence("consistent")
    document["tasks"][0]["specification"]["max_examples"] = 192
    with pytest.raises(EvidenceError, match="no looks"):
        parse_evidence(canonical_json(document))


def test_a_record_put_under_the_next_edition_is_caught() -> None:
    """Edition 3 judges records of schema 3 only."""
    document = evidence("consistent")
    document["editions"]["rules"] = 3
    record = parse_evidence(canonical_json(document))
    assert "editions.rules" in mismatches(record, EDITIONS[3])
