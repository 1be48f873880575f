"""A dictionary and a declared signature, by the real command line."""

from __future__ import annotations

from pathlib import Path

from auditkit.bundle.evidence import parse_evidence
from auditkit.records.causal import Causal
from auditkit.records.signature import SignatureCheck
from tests.conftest import QUICKSTART, CommandLine
from tests.policies import REFERENCE

CARRYING = "[28, 22, 15, 29, 8]"
"""The latents that do the work of head 2.3, in a dictionary trained with seed 0 on the quickstart's pairs."""

IDLE = "[28, 22, 15, 29, 31]"
"""The last of them exchanged for one that does nothing."""


def policy(folder: Path, name: str, latents: str) -> Path:
    """The quickstart's first task, HTML only, with a dictionary and these latents declared of head 2.3."""
    text = QUICKSTART.read_text(encoding="utf-8")
    text = text[: text.index("  - id: greater_than")]
    text = text.replace("path: models/reference", f"path: '{REFERENCE}'")
    if latents:
        text = text.replace("tasks:\n", "sae: {path: heads.safetensors}\ntasks:\n")
        signature = f'      signature: {{"2.3": {latents}}}\n      declared_for:'
        text = text.replace("      declared_for:", signature)
    path = folder / name
    path.write_text(f"{text}report: {{formats: [html]}}\n", encoding="utf-8")
    return path


def test_a_signature_by_stable_numbers_is_held_against_the_model(
    auditkit_here: CommandLine, tmp_path: Path
) -> None:
    """The true one is consistent and verifies; one latent exchanged for an idle one is refused by name."""
    plain = policy(tmp_path, "plain.yaml", "")
    file = tmp_path / "heads.safetensors"
    made = auditkit_here("dictionary", plain, "ioi", "--out", file)
    assert made.code == 0, made.err
    again = auditkit_here("dictionary", plain, "ioi", "--out", file)
    assert (again.code, "there is a file of that name" in again.err) == (6, True)
    numbers = []
    for latents, code, verdict in ((CARRYING, 0, "consistent"), (IDLE, 1, "not_consistent")):
        named = policy(tmp_path, f"{verdict}.yaml", latents)
        run = auditkit_here("run", named, "--out", tmp_path / verdict, "--json")
        assert run.code == code, run.err
        directory = Path(run.json()["directory"])
        record = parse_evidence((directory / "evidence.json").read_bytes())
        assert isinstance(record.tasks[0].causal, Causal)
        signature = record.tasks[0].causal.signature
        assert isinstance(signature, SignatureCheck)
        assert signature.verdict == verdict
        assert signature.heads[0].idle == (() if code == 0 else (31,))
        numbers.append(record.tasks[0].causal.latents)
        text = (directory / "report.html").read_text("utf-8")
        assert ("do no work there: 31" in text) == (code == 1)
        verified = auditkit_here("verify", directory, "--json")
        assert (verified.code, verified.json()["ok"]) == (0, True)
    assert numbers[0] == numbers[1]  # the same latents by the same numbers, run after run
