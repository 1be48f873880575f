"""The policies for public models, as far as they can be looked at without the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit.policy import HubModel, load_policy
from tests.conftest import ROOT, CommandLine

PUBLIC = sorted((ROOT / "policies" / "public").glob("*.yaml"))


@pytest.mark.parametrize("policy", PUBLIC, ids=lambda path: path.stem)
def test_a_public_policy_is_sound_and_says_what_was_not_looked_at(
    policy: Path, auditkit_here: CommandLine
) -> None:
    """No problem is found, nothing is fetched, and the model is named as not checked."""
    outcome = auditkit_here("check", policy, "--json")
    assert (outcome.code, outcome.json()["ok"]) == (0, True)
    assert "the model" in {each["what"] for each in outcome.json()["not_checked"]}


@pytest.mark.parametrize("policy", PUBLIC, ids=lambda path: path.stem)
def test_a_public_policy_is_pinned_sourced_and_marked(policy: Path) -> None:
    """A commit, a source with an arXiv number for each expectation, heads named once and in the model."""
    loaded = load_policy(policy)
    assert isinstance(loaded.policy.model, HubModel)
    assert "NOT RUN BY THIS PROJECT'S TESTS" in policy.read_text("utf-8")
    for task in loaded.policy.tasks:
        assert task.expected is not None
        assert "arXiv:" in str(task.expected.source)
        heads = [tuple(map(int, head.split("."))) for head in task.expected.heads]
        assert len(heads) == len(set(heads))
        assert all(layer < 12 and number < 12 for layer, number in heads)


def test_the_ioi_circuit_has_its_26_heads() -> None:
    """The policy declares the 26 heads of the published circuit, and writes each once."""
    (policy,) = (path for path in PUBLIC if path.stem == "gpt2_small_ioi")
    (task,) = load_policy(policy).policy.tasks
    assert task.expected is not None
    assert len(task.expected.heads) == 26
    text = policy.read_text("utf-8").replace("#", " ").split()
    assert all(text.count(head) == 1 for head in task.expected.heads)
