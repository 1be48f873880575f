"""Kinds of task through the command line: the worked example, and what does not fit is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from auditkit.records.specification import TaskKind
from tests.conftest import CommandLine
from tests.text_models import text_model

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "policies" / "applicant_screening.yaml"

POLICY_TEXT = """\
auditkit: 1
system:
  name: Screening
  version: "1"
  intended_purpose: A test.
  provider: {{name: A, address: B, email: c@example.invalid}}
declared_by: {{name: D, role: E}}
model: {{path: model}}
report: {{formats: [html]}}
tasks:
  - id: words
    title: Prefers one answer
    kind: {kind}
    prompts: {prompts}
    {more}
"""


def test_the_planted_shortcut_is_found_through_the_command_line(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Both circuits are what exact patching says; the decision that changes with the word is declared
    unwanted, so the run ends with exit 1, whatever was found of the circuit.
    """
    outcome = auditkit_here("run", POLICY, "--out", tmp_path / "out", "--json")
    summary = outcome.json()
    assert (outcome.code, summary["verdict"]) == (1, "not_consistent")
    said = [(t["id"], t["behaviour_verdict"], t["mechanism_verdict"]) for t in summary["tasks"]]
    assert said == [
        ("skill", "consistent", "consistent"),
        ("shortcut", "not_consistent", "consistent"),
    ]
    (directory,) = (tmp_path / "out").iterdir()
    record = json.loads((directory / "evidence.json").read_bytes())
    declared = {
        task["id"]: set(task["expected"]["heads"])
        for task in yaml.safe_load(POLICY.read_text("utf-8"))["tasks"]
    }
    assert {t["id"]: set(t["circuit"]["heads"]) for t in record["tasks"]} == declared
    assert {task["specification"]["kind"] for task in record["tasks"]} == {"classification"}
    assert "controls_are_next_token" not in {each["code"] for each in record["limitations"]}
    settings = {each["specification"]["kind"] for each in record["calibration"]["settings"]}
    assert settings == {"classification"}  # calibrated as what they are
    page = (directory / "report.html").read_text("utf-8")
    assert "synthetic" in page
    assert "planted on purpose" in page
    assert "the scores of the model&#39;s labels" in page or "scores of the model's labels" in page
    verified = auditkit_here("verify", directory)
    assert verified.code == 0, verified.out


def test_the_declared_circuits_are_those_of_exact_patching_without_auditkit() -> None:
    """Every head of the classifier replaced alone, on other pairs, by transformers and torch only."""
    tool = ROOT / "tools" / "screening_circuits.py"
    assert "auditkit" not in re.sub(r'""".*?"""', "", tool.read_text("utf-8"), flags=re.DOTALL)
    printed = subprocess.run(
        [sys.executable, tool, "--threshold", "0.05"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
    ).stdout
    found: dict[str, set[str]] = {}
    name = ""
    for line in printed.splitlines():
        if line.startswith("  "):
            found[name].add(line.split()[0])
        else:
            name = line.partition(":")[0]
            found[name] = set()
    tasks = yaml.safe_load(POLICY.read_text("utf-8"))["tasks"]
    assert found == {task["id"]: set(task["expected"]["heads"]) for task in tasks}


def policy(folder: Path, kind: str, prompts: object, more: str = "seed: 0") -> Path:
    if not isinstance(prompts, str):
        lines = "\n".join(json.dumps(pair) for pair in prompts)  # type: ignore[attr-defined]
        (folder / "pairs.jsonl").write_text(lines, "utf-8")
        prompts = "{file: pairs.jsonl}"
    path = folder / "policy.yaml"
    path.write_text(POLICY_TEXT.format(kind=kind, prompts=prompts, more=more), "utf-8")
    return path


def pair(**changed: object) -> dict[str, object]:
    written = {
        "positive": "a nurse works",
        "negative": "a welder works",
        "answer": "shortlist",
        "wrong": "reject",
    }
    return {**written, **changed}


@pytest.mark.parametrize(
    ("model", "kind", "code", "said"),
    [
        ("similarity", "classification", 6, "needs a sequence classifier"),
        ("classification", "next_token", 6, "needs a causal language model"),
        ("classification", "masked_token", 6, "which fits classification"),
        ("masked_token", "similarity", 6, "needs an encoder without a head"),
    ],
)
def test_a_kind_that_does_not_fit_the_model_is_one_line_before_any_work(
    model: TaskKind, kind: str, code: int, said: str, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Exit 6 says which model the kind needs, and nothing is calibrated first."""
    text_model("bert", model, tmp_path / "model")
    outcome = auditkit_here("run", policy(tmp_path, kind, [pair()]), "--out", tmp_path / "out")
    assert outcome.code == code
    assert said in " ".join(outcome.err.split())
    assert "calibrate" not in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("prompts", "more", "said"),
    [
        ([pair(answer="hired")], "seed: 0", "'hired' is not a label of this model"),
        ([pair(wrong="shortlist")], "seed: 0", "are the same"),
        ([pair(negative="a nurse and welder works")], "seed: 0", "5 tokens and the negative 7"),
        ("{generator: ioi}", "seed: 0", "generators make prompts of next token tasks"),
        ([pair()], "metric: cosine_difference", "not measured by cosine_difference"),
    ],
)
def test_prompts_that_a_classifier_cannot_be_asked_are_told_with_their_place(
    prompts: object, more: str, said: str, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """An unknown label, equal answers, uneven prompts, a generator or another metric is exit 4."""
    text_model("bert", "classification", tmp_path / "model")
    outcome = auditkit_here("check", policy(tmp_path, "classification", prompts, more))
    assert outcome.code == 4
    assert said in " ".join(outcome.err.split())


@pytest.mark.parametrize(
    ("changed", "more", "said"),
    [
        ({}, "attribution: input_ig", "input_ig goes along a line"),
        ({}, "method: unique-codes", "unique-codes averages over all positions"),
    ],
)
def test_uneven_prompts_need_a_setting_that_can_use_them(
    changed: dict[str, object], more: str, said: str, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Prompts of unlike lengths are refused by the settings that need them alike: exit 4."""
    text_model("bert", "classification", tmp_path / "model")
    towns = ("town", "city", "day", "night", "people", "metal", "code", "wounds")
    pairs = [
        pair(
            positive=["a ", "nurse", f" {verb} {town}"],
            negative=["a ", "welder and engineer", f" {verb} {town}"],
            **changed,
        )
        for town in towns
        for verb in ("works", "reads")
    ]
    written = policy(tmp_path, "classification", pairs, f"{more}\n    examples: 6")
    outcome = auditkit_here("check", written)
    assert outcome.code == 4
    assert said in " ".join(outcome.err.split())
