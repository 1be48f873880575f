"""The check warns of declared texts that say more than an audit can, or are not what they look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit.policy import load_policy
from auditkit.policy.overclaiming import overclaiming
from tests.conftest import ROOT, CommandLine
from tests.policies import POLICY, SAMPLE


def warned(folder: Path, written: str, instead: str) -> list[str]:
    """What the check warns of when the small policy has this text instead."""
    path = folder / "policy.yaml"
    text = POLICY.replace(written, instead)
    assert text != POLICY
    path.write_text(text, "utf-8")
    return [str(each).removeprefix(f"{path}:") for each in overclaiming(load_policy(path))]


@pytest.mark.parametrize(
    ("written", "instead", "place", "words"),
    [
        ("name: A", "name: Certified tool", "3: system.name:", "'certified'"),
        ("name: A", "name: Overall result - consistent", "3: system.name:", "'overall result'"),
        ("name: A", "name: not-consistent", "3: system.name:", "'not-consistent'"),
        ("name: A", "name: \u0421ertified", "3: system.name:", "'certified' says"),
        ("name: A", "name: certi\u200bfied", "3: system.name:", "pass for others: [U+200B]"),
        ('"1"', "1.0 (approved)", "4: system.version:", "'approved'"),
        ("purpose: B", "purpose: Proves it", "5: system.intended_purpose:", "'proves'"),
        ("name: C", "name: Guarantees Ltd", "6: system.provider.name:", "'guarantees'"),
        ("role: G", "role: Explainable AI", "7: declared_by.role:", "'explainable'"),
        ("path: model", "path: certified", "8: model.path:", "'certified'"),
        ("title: H", "title: Inconclusive", "12: tasks[0].title:", "'inconclusive'"),
        (
            "title: H",
            "title: H\n    concerns: [sex, certified]",
            "13: tasks[0].concerns[1]:",
            "'certified'",
        ),
        (
            'heads: ["0.0", "3.7"]',
            'heads: ["0.0", "3.7"]\n      source: a safe paper',
            "17: tasks[0].expected.source:",
            "'safe'",
        ),
    ],
)
def test_each_text_is_warned_of_once_with_its_place(
    written: str,
    instead: str,
    place: str,
    words: str,
    tmp_path: Path,
) -> None:
    """One line with file, line, key and the words."""
    (line,) = warned(tmp_path, written, instead)
    assert line.startswith(place)
    assert words in line


@pytest.mark.parametrize(
    "text",
    ["Система \u0430", "カスタマーAI", "Prover of consistency", "Safety desk"],
)
def test_honest_names_are_not_warned_of(text: str, tmp_path: Path) -> None:
    """Neither for their script nor for words that only resemble a claim."""
    assert warned(tmp_path, "name: A", f"name: {text}") == []


def test_a_sentence_may_have_the_words_of_a_result(tmp_path: Path) -> None:
    """Only names are held against the report's own words: a purpose is a sentence."""
    assert warned(tmp_path, "purpose: B", "purpose: Gives consistent answers") == []


def test_no_policy_that_is_shipped_claims_too_much() -> None:
    """Examples are what people start from."""
    for path in sorted((ROOT / "policies").rglob("*.yaml")):
        assert overclaiming(load_policy(path)) == (), path


def test_the_command_line_warns_and_goes_on(tmp_path: Path, auditkit_here: CommandLine) -> None:
    """``check`` and ``run`` say it with file, line and key; the exit code stays that of the policy."""
    path = tmp_path / "policy.yaml"
    text = SAMPLE.read_text("utf-8").replace("../models", str(ROOT / "policies" / "models"))
    name = next(line for line in text.splitlines() if line.startswith("  name: "))
    claim = "Certified compliant with the EU AI Act - Overall result: consistent"
    path.write_text(text.replace(name, f'  name: "{claim}"', 1), "utf-8")
    line = text.splitlines().index(name) + 1
    place = f"policy.yaml:{line}: system.name: 'certified', 'compliant' says more than an audit can"
    said = auditkit_here("check", path)
    assert said.code == 0
    assert place in " ".join(said.out.split())
    (warning,) = auditkit_here("check", path, "--json").json()["warnings"]
    assert place in warning
    ran = auditkit_here("run", path, "--out", tmp_path / "runs")
    assert ran.code == 1
    assert place in " ".join(ran.err.split())
