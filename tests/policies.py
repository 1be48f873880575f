"""Policies that tests run, and the bundled model they run them on."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import ROOT

REFERENCE = ROOT / "policies" / "models" / "reference"
IOI_HEADS = ["0.0", "0.4", "2.3", "3.0", "3.6"]
SAMPLE = ROOT / "policies" / "samples" / "mechanism_not_assessed.yaml"
MODELS = ROOT / "policies" / "models"
NOT_CONSISTENT = 1
"""How a run of the sample ends: it does not do what is declared wanted."""

POLICY = """\
auditkit: 1
system:
  name: A
  version: "1"
  intended_purpose: B
  provider: {name: C, address: D, email: E}
declared_by: {name: F, role: G}
model: {path: model}
report: {formats: [html]}
tasks:
  - id: names
    title: H
    prompts: {file: pairs.jsonl}
    examples: 10
    expected:
      heads: ["0.0", "3.7"]
"""
"""A policy of one task whose model and prompts are files beside it."""


def policy_signed(folder: Path, signing: str) -> Path:
    """The quickest of the sample policies, with another signing block."""
    text = SAMPLE.read_text("utf-8").replace("signing: {key: default}", f"signing: {signing}")
    assert signing in text
    path = folder / "policies" / "policy.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("../models", str(MODELS)), "utf-8")
    return path
