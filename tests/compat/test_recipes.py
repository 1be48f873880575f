"""docs/how-to-change.md, "Add a finding": a copy of auditkit gets one by that recipe, and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.copies import copy_with, run_in

WORDS = """def _made_up(p: Parameters) -> str:
    return f"It was made up {p['times']} times."


"""
IN_WORDS = '    "made_up": _made_up,\n'
RULE = '    found.append(finding("made_up", "note", times=3))\n'
USE = r"""
import json
from auditkit.bundle.evidence import evidence_bytes, parse_evidence
from auditkit.digest import canonical_json
from auditkit.judging.editions import CURRENT
from auditkit.law import load_law
from auditkit.report.html import render_html
from auditkit.verifying.recompute import mismatches
from auditkit.verifying.sentences import otherwise_worded
from tests.builders import audit_record

record = audit_record()
(made_up,) = (each for each in record.tasks[0].findings if each.code == "made_up")
assert (made_up.level, made_up.parameters, made_up.text) == (
    "note", {"times": 3}, "It was made up 3 times."
)
assert parse_evidence(evidence_bytes(record)) == record
assert (mismatches(record, CURRENT), otherwise_worded(record, CURRENT)) == ((), ())
assert b"It was made up 3 times." in render_html(record, load_law())
changed = json.loads(evidence_bytes(record))
(place,) = (each for each in changed["tasks"][0]["findings"] if each["code"] == "made_up")
place["parameters"]["times"] = 4
assert mismatches(parse_evidence(canonical_json(changed)), CURRENT) == ("tasks[copying].findings",)
"""


def test_a_new_finding_is_a_rule_and_its_words(tmp_path: Path) -> None:
    """It is recorded with its values, printed on the page, recomputed, and a changed value is caught."""
    copy_with(
        tmp_path,
        ("judging/findings/words/of_task.py", WORDS, "WORDS: dict"),
        ("judging/findings/words/of_task.py", IN_WORDS, '    "repeated_prompts": '),
        ("judging/findings/of_task.py", RULE, "    return tuple(found)"),
    )
    run_in(tmp_path, USE)
